"""Annotations that are text (this module's are) are resolved where the function was written and decorated."""

from __future__ import annotations

import sys
import textwrap
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from resilient_lambda import ConfigurationError, Record, batch_handler, resilient_handler
from resilient_lambda.testing import lambda_context, sqs_event

if TYPE_CHECKING:
    from decimal import Decimal

EVENT = sqs_event([{"order_id": "a"}])


class Order(BaseModel):
    """A model of this module."""

    order_id: str


@pytest.fixture
def seen():
    """What the function received."""
    return []


def test_a_name_of_the_module_is_found(paint, seen):
    """The function's globals come first."""

    def function(order: Order):
        seen.append(order)

    batch_handler(paint(function))(EVENT, lambda_context())

    assert seen == [Order(order_id="a")]


@pytest.mark.parametrize("called", [False, True])
def test_a_local_name_of_the_decorating_frame_is_found(paint, seen, called):
    """A model defined inside a test or a factory function works, with and without brackets."""

    class Local(BaseModel):
        order_id: str

    def function(order: Record[Local]):
        seen.append(order.value)

    decorate = batch_handler() if called else batch_handler
    decorate(paint(function))(EVENT, lambda_context())

    assert seen == [Local(order_id="a")]


def test_the_other_decorator_looks_there_too(paint, seen):
    """`resilient_handler` resolves as `batch_handler` does."""

    class Local(BaseModel):
        order_id: str

    def function(order: Local):
        seen.append(order)

    resilient_handler()(paint(function))({"order_id": "a"}, lambda_context())

    assert seen == [Local(order_id="a")]


def test_a_model_defined_in_a_class_body_is_found(seen):
    """Decorating inside a class body looks into that body."""

    class Service:
        class Body(BaseModel):
            order_id: str

        @staticmethod
        def note(order):
            seen.append(order)

        @batch_handler
        def handler(order: Body):
            seen.append(order)

    vars(Service)["handler"](EVENT, lambda_context())

    assert seen == [Service.Body(order_id="a")]


@pytest.mark.parametrize("decorate", [batch_handler, batch_handler(), resilient_handler, resilient_handler()])
def test_a_name_for_type_checkers_only_is_refused(decorate):
    """At import, with the annotation, the function and the way out in the message."""

    def charge(order: Decimal):
        del order

    with pytest.raises(ConfigurationError, match=r"'Decimal' of charge.*pass model=") as caught:
        decorate(charge)

    assert isinstance(caught.value.__cause__, NameError)


def test_a_model_makes_up_for_an_annotation_that_cannot_be_resolved(seen):
    """``model=`` and ``raw=True`` need no annotation."""

    def function(order: Decimal):
        seen.append(order)

    batch_handler(model=dict)(function)(EVENT, lambda_context())
    batch_handler(raw=True)(function)(EVENT, lambda_context())

    assert seen[0] == {"order_id": "a"}
    assert seen[1] is EVENT["Records"][0]


@pytest.mark.parametrize("annotation", ["1/0", "Order[", "Order.nothing", "x y"])
def test_a_text_that_is_no_type_is_refused(annotation):
    """Whatever evaluating it raises, the error is about the annotation."""

    def function(order):
        del order

    function.__annotations__ = {"order": annotation}

    with pytest.raises(ConfigurationError, match="cannot be resolved"):
        batch_handler(function)


def test_only_the_first_parameters_annotation_counts(seen):
    """The context's type may be for type checkers only, and so may the result's."""

    def function(order: Order, context: Decimal) -> Decimal:
        seen.append(order)

    batch_handler(function)(EVENT, lambda_context())

    assert seen == [Order(order_id="a")]


def run_module(source: str) -> ModuleType:
    """Run *source* as a module of its own, with annotations as the interpreter evaluates them by default."""
    module = ModuleType("user_module")
    module.__dict__["EVENT"] = EVENT
    code = compile(textwrap.dedent(source), "user_module.py", "exec", dont_inherit=True)
    exec(code, module.__dict__)
    return module


def test_evaluated_annotations_are_types():
    """Without the future import the annotation is the class itself."""
    module = run_module(
        """
        from pydantic import BaseModel
        from resilient_lambda import batch_handler
        class Order(BaseModel):
            order_id: str
        seen = []
        @batch_handler
        def handler(order: Order): seen.append(order)
        handler(EVENT, None)
        """
    )

    assert module.seen == [module.Order(order_id="a")]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated lazily since Python 3.14")
@pytest.mark.parametrize("extra", ["", ", context: OnlyForCheckers"])
def test_lazily_evaluated_annotations_are_resolved(extra):
    """One of the other annotations may be for type checkers only; the first one counts."""
    module = run_module(
        f"""
        from pydantic import BaseModel
        from resilient_lambda import batch_handler
        class Order(BaseModel):
            order_id: str
        seen = []
        @batch_handler
        def handler(order: Order{extra}): seen.append(order)
        handler(EVENT, None)
        """
    )

    assert module.seen == [module.Order(order_id="a")]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated lazily since Python 3.14")
def test_a_lazily_evaluated_name_for_type_checkers_only_is_refused():
    """The error is the same as for text."""
    with pytest.raises(ConfigurationError, match="pass model="):
        run_module(
            """
            from resilient_lambda import batch_handler
            @batch_handler
            def handler(order: OnlyForCheckers): pass
            """
        )
