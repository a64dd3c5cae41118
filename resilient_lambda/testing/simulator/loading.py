"""A handler by its name: each execution environment loads the module anew, as a process of its own would."""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def loading(name: str, module_globals: Mapping[str, Any]) -> Callable[[], Any]:
    """
    Return what loads the handler *name*, ``"module.function"``, afresh each time it is called.

    Args:
        module_globals: Set in each module once it is loaded.

    Raises:
        ValueError: There is no such module.

    Source: "Define Lambda function handler in Python", AWS Lambda Developer Guide, for the name.
    """
    module_name, _, attribute = name.replace("/", ".").rpartition(".")
    try:
        spec = find_spec(module_name) if module_name else None
    except ImportError:
        spec = None
    if spec is None or spec.loader is None:
        raise ValueError(f"handler {name!r}: there is no module {module_name!r}; it is called by 'module.function'")

    def load() -> Any:
        assert spec.loader is not None
        module = module_from_spec(spec)
        # Classes look their module up while they are made: dataclasses and pydantic's models do.
        before = sys.modules.get(module_name)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        finally:
            if before is None:
                del sys.modules[module_name]
            else:
                sys.modules[module_name] = before
        vars(module).update(module_globals)
        return getattr(module, attribute)

    return load
