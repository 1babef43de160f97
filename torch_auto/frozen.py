"""A small base for frozen value types.

Every build imports every type on its path, often before anything of ours is compiled. ``typing.NamedTuple`` and
dataclasses generate and compile source for each class, and bring modules along that a build needs for nothing else.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_: object) -> object:  # noqa: D103  # for type checkers alone
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Frozen:
    """A value: its annotations are its fields, in order; what is assigned in the class body are defaults.

    It equals a value of the same class with equal fields, and is hashable where these are.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _fields_set: ClassVar[frozenset[str]] = frozenset()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        """Read the fields once, when the class is made."""
        cls._fields = tuple(name for name in cls.__annotations__ if not name.startswith("_"))
        cls._fields_set = frozenset(cls._fields)
        cls._defaults = {name: cls.__dict__[name] for name in cls._fields if name in cls.__dict__}

    if not TYPE_CHECKING:

        def __init__(self, *values: object, **named: object) -> None:
            fields, found = self._fields, self.__dict__
            found.update(zip(fields, values))
            if not named and len(values) == len(fields):
                return
            twice = [name for name in named if name in found]
            wrong = [name for name in named if name not in fields]
            found.update(named)
            for name, value in self._defaults.items():
                found.setdefault(name, value)
            if twice or wrong or len(found) != len(fields) or len(values) > len(fields):
                missing = [name for name in fields if name not in found]
                text = f"{type(self).__name__} has the fields {', '.join(fields)}"
                raise TypeError(f"{text}; twice: {twice}, unknown: {wrong}, missing: {missing}")

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

        def __delattr__(self, name: str) -> None:
            raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")

    def replace(self, **changes: Any) -> Self:
        """A value with other contents in some of the fields.

        Raises:
            TypeError: a name is not one of the fields.
        """
        if not self._fields_set.issuperset(changes):
            raise TypeError(
                f"{type(self).__name__} has the fields {', '.join(self._fields)}, not all of {set(changes)}"
            )
        own = self.__dict__
        found = object.__new__(type(self))
        found.__dict__.update({name: own[name] for name in self._fields}, **changes)
        return found

    def _values(self) -> tuple[Any, ...]:
        own = self.__dict__
        return tuple([own[name] for name in self._fields])

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self._values()))
        return f"{type(self).__name__}({shown})"
