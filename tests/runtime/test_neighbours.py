"""What a record that ends its environment whenever it is run costs the others of its batch."""

from __future__ import annotations

import time

from .environment import Answered, Died
from .queue import Queue, event_of

BATCH = 30
MAX_RECEIVES = 10  # as the redrive policy of the queue says; the function's max_attempts is 3
LEASE_LAPSES_S = 0.6  # 0.4 and the skew, as in functions/commits.py, and some more
VISIBILITY_S = 60.0  # longer than a lease, as that of a queue should be: six times the function's timeout


def test_neighbours_of_a_killer_are_done_by_the_third_receive(environments_of, ledger):
    """
    In a batch of 30 whose first record kills, the others are charged once and only the killer is parked.

    The first kill makes suspects of all that were claimed ahead, the second tells the culprit: from then on it runs
    last. Done they are by the third receive, and out of the queue with the fifth: so long the killer takes the batch
    back with it. The first of its lapses may have been a neighbour's doing and does not count for `max_attempts`.
    """
    prefix = "neighbours-"
    orders = [{"order_id": f"{prefix}{number}", "customer": f"{prefix}all", "total": 5} for number in range(BATCH)]
    orders[0]["kills"] = True
    passed_s = 0.0
    queue = Queue(visibility_s=VISIBILITY_S, max_receives=MAX_RECEIVES, batch_limit=BATCH, now=lambda: passed_s)
    for order in orders:
        queue.send(order)
    environment = environments_of("commits.charge_beside_a_killer")[0]
    results, done_after = [], []
    while batch := queue.receive():
        results.append(environment.invoke(event_of(batch), timeout_s=20))
        queue.settle(batch, results[-1])
        done_after.append(len(ledger.rows(prefix)))
        time.sleep(LEASE_LAPSES_S)
        passed_s += VISIBILITY_S

    innocents = [order["order_id"] for order in orders if "kills" not in order]
    assert {order: len(rows) for order, rows in ledger.rows(prefix).items()} == dict.fromkeys(innocents, 1)
    assert list(ledger.parked(prefix)) == [f"{prefix}0"]
    assert queue.dead == []
    assert done_after[2] == len(innocents)
    assert [type(result) for result in results] == [Died] * 4 + [Answered]
