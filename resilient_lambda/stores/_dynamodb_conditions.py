"""Conditions that are objects of boto3, ``Attr("id").not_exists()``, as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import CommitLimitError
from ._dynamodb_values import write_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._dynamodb_wire import Attributes


def write_condition(
    where: str, condition: Any, names: Mapping[str, str], values: Attributes
) -> tuple[str, dict[str, str], Attributes]:
    """
    Return *condition* as a text, with *names* and *values* and those that it brings along.

    Its own values are plain, whatever the style of the rest of the entry.

    Raises:
        CommitLimitError: It is neither a text nor a condition of boto3, or names a placeholder of the user's.
    """
    if isinstance(condition, str):
        return condition, dict(names), values
    if not type(condition).__module__.startswith("boto3.dynamodb") or not hasattr(condition, "get_expression"):
        raise CommitLimitError(
            f"{where}: ConditionExpression is a {type(condition).__name__};"
            " write a text, or a condition such as boto3's Attr('id').not_exists()"
        )
    # Loaded: the user has made the condition with it.
    from boto3.dynamodb.conditions import ConditionExpressionBuilder  # type: ignore[import-untyped,unused-ignore]

    built = ConditionExpressionBuilder().build_expression(condition)
    taken = sorted(
        (built.attribute_name_placeholders.keys() & names.keys())
        | (built.attribute_value_placeholders.keys() & values.keys())
    )
    if taken:
        raise CommitLimitError(
            f"{where}: the condition is an object of boto3's, which uses {', '.join(taken)} too; rename yours"
        )
    brought = write_all(f"{where}, ConditionExpression", built.attribute_value_placeholders)
    return built.condition_expression, {**names, **built.attribute_name_placeholders}, {**values, **brought}
