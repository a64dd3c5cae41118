"""The types for policies of your own; see `Policy` for the rules."""

from __future__ import annotations

from ._policies.call import Call, Invocation
from ._policies.compose import Policy, Proceed

__all__ = ["Call", "Invocation", "Policy", "Proceed"]
