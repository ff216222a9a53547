"""A `dataclass` decorator like the standard library's, except that methods are compiled on first use.

The standard library compiles up to six methods for each class at import. nnshape has a hundred such classes, and one
run uses few of their methods: compiling them all took a third of its start-up. `field`, `fields` and `replace` of the
standard library work with these classes. The decorator has only the options that nnshape uses.
"""

from __future__ import annotations

import dataclasses
import inspect
import reprlib
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, FrozenInstanceError
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, slots=False, eq=True, repr=True):
        """Add the methods of a dataclass to a class."""

        def complete(cls):
            return _complete(cls, frozen=frozen, slots=slots, eq=eq, repr=repr)

        return complete if cls is None else complete(cls)


#: The attribute that `fields` and `replace` of the standard library read.
_FIELDS = "__dataclass_fields__"
_REGULAR = dataclasses._FIELD  # type: ignore[attr-defined]  # the type of a field that is not a ClassVar

Fields = Iterable["Field[Any]"]


class _Method:
    """A descriptor that compiles a method on first access, and replaces itself with it."""

    def __init__(self, text: Callable[[], str], fields: Fields) -> None:
        self._text, self._fields = text, fields

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        names: dict[str, Any] = {"_MISSING": MISSING}
        names |= {f"_set_{field.name}": _setter(self._owner, field.name) for field in self._fields}
        names |= {f"_default_{field.name}": field.default for field in self._fields}
        names |= {f"_factory_{field.name}": field.default_factory for field in self._fields}
        exec(self._text(), names)  # the text is made of field names only
        method = names[self._name]
        method.__qualname__ = f"{self._owner.__qualname__}.{self._name}"
        method.__module__ = self._owner.__module__
        setattr(self._owner, self._name, method)
        return method.__get__(instance, owner)


def _setter(owner: type, name: str) -> Callable[[Any, Any], None]:
    """Return a function that sets a field of a frozen instance: the slot's own, which is faster than `object`'s."""
    slot = getattr(owner, name, None)
    if isinstance(slot, MemberDescriptorType):
        return slot.__set__
    return lambda instance, value: object.__setattr__(instance, name, value)


def _complete(cls: Any, *, frozen: bool, slots: bool, eq: bool, repr: bool) -> type:
    """Return the class with its methods added; with slots, a new class of the same name."""
    inherited = {
        name: field for base in reversed(cls.__mro__[1:]) for name, field in getattr(base, _FIELDS, {}).items()
    }
    own = _own_fields(cls)
    fields = inherited | own
    values = fields.values()
    added: dict[str, Any] = {
        "__init__": _Method(lambda: _init_text(values, frozen, hasattr(cls, "__post_init__")), values),
        "__match_args__": tuple(field.name for field in values if field.init),
    }
    if repr:
        added["__repr__"] = _repr
    if eq:
        added["__eq__"] = _Method(lambda: _eq_text(values), values)
        added["__hash__"] = _Method(lambda: _hash_text(values), values) if frozen else None
    if slots:
        added |= {"__getstate__": _state, "__setstate__": _set_state}
    # Python sets `__hash__ = None` in a class that defines `__eq__`.
    added = {name: value for name, value in added.items() if vars(cls).get(name) is None}
    added[_FIELDS] = fields
    if frozen:
        added |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
    if slots:
        added["__slots__"] = tuple(name for name in own if name not in inherited)
        return _recreated(cls, added, {*own, "__dict__", "__weakref__"})
    for name, value in added.items():
        setattr(cls, name, value)
        if isinstance(value, _Method):
            value.__set_name__(cls, name)
    return cls  # type: ignore[no-any-return]


def _own_fields(cls: Any) -> dict[str, Field[Any]]:
    """Return the fields that a class declares, and set their defaults as class attributes."""
    fields = {}
    for name, annotation in inspect.get_annotations(cls).items():
        if str(annotation).startswith("ClassVar"):
            continue
        default = vars(cls).get(name, MISSING)
        field: Any = default if isinstance(default, Field) else dataclasses.field(default=default)
        if field.default is not MISSING:
            if type(field.default).__hash__ is None:
                raise ValueError(f"the default of {cls.__qualname__}.{name} is mutable: use default_factory")
            setattr(cls, name, field.default)
        elif default is not MISSING:
            delattr(cls, name)
        field.name, field.type, field._field_type = name, annotation, _REGULAR
        fields[name] = field
    return fields


def _recreated(cls: type, added: dict[str, Any], omitted: set[str]) -> type:
    """Create the class again with slots, which cannot be added to an existing class."""
    namespace = {name: value for name, value in vars(cls).items() if name not in omitted}
    made = type(cls)(cls.__name__, cls.__bases__, namespace | added)
    made.__qualname__ = cls.__qualname__
    return made


def _init_text(fields: Fields, frozen: bool, post_init: bool) -> str:
    parameters, body = ["self"], ["pass"]
    for field in fields:
        name, value = field.name, field.name
        if field.default_factory is not MISSING:
            value = f"_factory_{name}()"
            if field.init:
                parameters.append(f"{name}=_MISSING")
                value = f"{value} if {name} is _MISSING else {name}"
        elif field.init:
            parameters.append(name if field.default is MISSING else f"{name}=_default_{name}")
        elif field.default is MISSING:
            continue  # `__post_init__` sets it
        else:
            value = f"_default_{name}"
        body.append(f"_set_{name}(self, {value})" if frozen else f"self.{name} = {value}")
    if post_init:
        body.append("self.__post_init__()")
    return f"def __init__({', '.join(parameters)}):\n  " + "\n  ".join(body)


def _compared(fields: Fields, of: str) -> str:
    return "(" + "".join(f"{of}.{field.name}, " for field in fields if field.compare) + ")"


def _eq_text(fields: Fields) -> str:
    same = f"{_compared(fields, 'self')} == {_compared(fields, 'other')}"
    return f"def __eq__(self, other):\n  return {same} if other.__class__ is self.__class__ else NotImplemented"


def _hash_text(fields: Fields) -> str:
    return f"def __hash__(self):\n  return hash({_compared(fields, 'self')})"


@reprlib.recursive_repr()
def _repr(self: Any) -> str:
    shown = [f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_set(self: Any, name: str, value: Any) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
