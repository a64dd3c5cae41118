"""
`NamedTuple` as `typing.NamedTuple` is, at a seventh of what creating a class costs.

The one of `typing` compiles a function and one expression per field for each class: 30 to 150 us, and every cold start
creates some thirty classes. Here a class costs 8 us, at the price that one instance costs 0.1 us more.

Modules that use it need ``from __future__ import annotations``, as all of this package have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from operator import itemgetter

    # One for each position, shared by all classes.
    _FIELDS = tuple(property(itemgetter(n)) for n in range(24))

    class _NamedTupleType(type):
        def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
            if bases:
                names = tuple(namespace.get("__annotations__", ()))
                namespace["__slots__"] = ()
                namespace["_fields"] = namespace["__match_args__"] = names
                namespace["_field_defaults"] = {field: namespace.pop(field) for field in names if field in namespace}
                namespace.update(zip(names, _FIELDS, strict=False))
            return type.__new__(cls, name, bases or (tuple,), namespace)

    class NamedTuple(metaclass=_NamedTupleType):
        """An immutable record: fields as annotations, those with defaults last."""

        __slots__ = ()

        def __new__(cls, *values: object, **named: object) -> Any:
            if named or len(values) != len(cls._fields):
                values = cls._complete(values, named)
            return tuple.__new__(cls, values)

        @classmethod
        def _complete(cls, values: tuple[object, ...], named: dict[str, object]) -> tuple[object, ...]:
            rest = cls._fields[len(values) :]
            found = {**cls._field_defaults, **named}
            if len(values) > len(cls._fields) or not named.keys() <= set(rest) or not found.keys() >= set(rest):
                given = f"{len(values)} values and {sorted(named)}"
                raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields) or 'nothing'}; it was given {given}")
            return (*values, *[found[field] for field in rest])

        def __repr__(self) -> str:
            shown = ", ".join(f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
            return f"{type(self).__name__}({shown})"

        def __getnewargs__(self) -> tuple[object, ...]:  # for copy and pickle
            return tuple(self)

        def _asdict(self) -> dict[str, object]:
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changes: object) -> Any:
            values = list(self)
            for field, value in changes.items():
                if field not in self._fields:
                    raise TypeError(f"{type(self).__name__} has no field {field!r}")
                values[self._fields.index(field)] = value
            return tuple.__new__(type(self), values)
