"""What happened, as a picture."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from resilient_lambda.testing import Delivery

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def plotted(tmp_path):
    """Return a function that draws a simulation and returns the parsed picture."""

    def draw(delivery):
        path = tmp_path / "delivery.svg"
        delivery.plot(path)
        return ElementTree.fromstring(path.read_text("utf-8"))

    return draw


def simulation(delivery, events, handler=None, **faults):
    """Let a queue of *events* be handled."""

    def pays(event, context):
        delivery.work(0.4)
        for record in event["Records"]:
            delivery.effect(json.loads(record["body"])["id"])

    queue = delivery.sqs(handler or pays, key="id", batch_size=5)
    for number in range(events):
        queue.send({"id": number}, after_s=number * 0.1)
    delivery.faults(**faults)
    delivery.run()
    return queue


def texts(picture):
    """Return what is written in the picture."""
    return [text.text for text in picture.iter(f"{SVG}text")]


def shapes(picture, kind):
    """Return what is drawn of a kind."""
    return [each for each in picture.iter() if kind in each.get("class", "").split()]


def test_environments_and_events_have_rows(plotted):
    """The seed is in the title; each environment and each message is named."""
    with Delivery(seed=7) as delivery:
        queue = simulation(delivery, 6)
        picture = plotted(delivery)
    written = texts(picture)

    assert "Delivery, seed 7" in written
    assert "environment 1" in written
    assert any("sent 6, done 6" in text for text in written)
    assert len(shapes(picture, "done")) >= len(queue.items)


def test_what_goes_wrong_has_its_colour(plotted):
    """Crashes and timeouts are drawn, and are in the legend; what did not happen is in neither."""
    with Delivery(seed=2) as delivery:
        simulation(delivery, 20, crash=0.4, timeout=0.3)
        picture = plotted(delivery)

    assert {"crashed", "timed out"} <= set(texts(picture))
    assert shapes(picture, "crashed")
    assert shapes(picture, "timed-out")
    assert "function error" not in texts(picture)


def test_a_second_effect_stands_out(plotted):
    """The second charge of an order has a colour of its own."""
    with Delivery(seed=2) as delivery:
        queue = simulation(delivery, 20, duplicate=0.5)
        picture = plotted(delivery)

    assert queue.handled_more_than_once()
    assert "a second time" in texts(picture)
    assert len(shapes(picture, "again")) > 1


def test_every_bar_says_what_it_is(plotted):
    """Pointing at an invocation shows its number, its events and its times."""
    with Delivery(seed=7) as delivery:
        simulation(delivery, 3)
        picture = plotted(delivery)
    titles = [title.text for title in picture.iter(f"{SVG}title")]

    assert any(title.startswith("invocation 1, sqs: ") and "answered" in title for title in titles)


def test_it_is_for_light_and_dark_rooms(plotted):
    """Colours depend on what the reader prefers."""
    with Delivery() as delivery:
        simulation(delivery, 3)
        picture = plotted(delivery)

    assert "prefers-color-scheme:dark" in picture.find(f"{SVG}style").text


@pytest.mark.parametrize("events", [0, 1, 30, 200])
def test_up_to_200_events_have_rows(plotted, events):
    """All fit, at last in narrow rows."""
    with Delivery(seed=5) as delivery:
        simulation(delivery, events, crash=0.2)
        picture = plotted(delivery)
    width, height = float(picture.get("width")), float(picture.get("height"))
    placed = [each for each in picture.iter(f"{SVG}rect") if each.get("x")]

    assert len(shapes(picture, "done")) >= events
    assert height < 2200
    assert all(0 <= float(each.get("x")) <= width and 0 <= float(each.get("y")) <= height for each in placed)


def test_more_are_an_area_and_it_says_so(plotted):
    """Of many only those in trouble have rows."""

    def forgets_some(event, context):
        for record in event["Records"]:
            number = json.loads(record["body"])["id"]
            if number % 100:
                delivery.effect(number)

    with Delivery(seed=5) as delivery:
        queue = simulation(delivery, 1000, forgets_some)
        picture = plotted(delivery)

    assert len(queue.lost) == 10
    assert any("10 of the 10 events that are lost" in text for text in texts(picture))
    assert len(ElementTree.tostring(picture)) < 500_000


def test_long_pauses_are_cut_short(plotted):
    """An hour in which nothing happens leaves room for the seconds in which something does."""
    with Delivery() as delivery:
        calls = delivery.synchronous(lambda event, context: delivery.work(2))
        calls.send({})
        calls.send({}, after_s=3600)
        delivery.run()
        picture = plotted(delivery)
    bars = [float(each.get("width")) for each in shapes(picture, "answered") if each.find(f"{SVG}title") is not None]

    assert len(bars) == 2
    assert min(bars) > 200
    assert any(re.fullmatch(r"\d+(\.\d+)? min", text) for text in texts(picture))


def test_the_same_seed_is_the_same_picture(tmp_path):
    """A picture can be kept beside the test, and compared."""
    drawn = []
    for name in ("a.svg", "b.svg"):
        with Delivery(seed=9) as delivery:
            simulation(delivery, 30, crash=0.2, freeze=0.2)
            delivery.plot(tmp_path / name)
        drawn.append((tmp_path / name).read_text("utf-8"))

    assert drawn[0] == drawn[1]
