"""Binds arguments to the names, kinds and defaults that a layer or function declares.

A kind is an annotation: `Size` (a whole number, symbolic or not), `Sizes` (one, or a tuple of
them), `int`, `float`, `bool`, `str`, `Tensor`, `Tensors`, `Layer`, `DType`, `Device`, `None`,
`Any`, joined by `|`. Declarations keep them as text, so that declaring costs nothing. `Whole`,
`Wholes`, `WholeTuple` and `Flag` are the kinds of torch's functions; unlike its modules, they reject
a number as a bool. A `Number` may be complex.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from functools import cache
from typing import Any, TypeAlias

from nnshape.problems.nearest import nearest
from nnshape.records import dataclass
from nnshape.shapes.dims import Dim
from nnshape.shapes.dtypes import DTYPES, DType
from nnshape.shapes.memory_formats import MemoryFormat
from nnshape.shapes.packed import PackedSequence
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor


class _Auto:
    """The argument `auto`: a size read off the input."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "auto"


AUTO = _Auto()
REQUIRED: Any = object()

#: The kinds as types, for type checkers.
Sizes: TypeAlias = "int | Dim | tuple[int | Dim, ...] | list[int | Dim]"
SizesOrNone: TypeAlias = "int | Dim | tuple[int | Dim | None, ...] | list[int | Dim | None] | None"
Floats: TypeAlias = "float | tuple[float, ...] | list[float]"
Whole: TypeAlias = "int | Dim"
Wholes: TypeAlias = "int | Dim | tuple[int | Dim, ...]"
WholeTuple: TypeAlias = "tuple[int | Dim, ...]"
Number: TypeAlias = "int | float | complex | Dim"
Flag: TypeAlias = bool
Tensors: TypeAlias = "tuple[Tensor, ...]"
Activation: TypeAlias = Any  # a Function or a Layer, which take one tensor


def is_size(value: object) -> bool:
    """Whether the value is a whole number, symbolic or not.

    A bool is none, although a few of torch's modules take one: nearly all refuse it when they are made or called.
    """
    return type(value) is int or isinstance(value, Dim)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Dim))


#: The kinds of values that take arguments themselves; their types register themselves here.
_REGISTERED: dict[str, list[type]] = {"Layer": [], "Activation": []}


def register_type(type_: type, *kinds: str) -> None:
    """Accept values of a type as arguments of these kinds: "Layer" or "Activation"."""
    for kind in kinds:
        _REGISTERED[kind].append(type_)


def _is_registered(kind: str) -> Callable[[object], bool]:
    types = _REGISTERED[kind]
    return lambda value: isinstance(value, tuple(types))


def _all(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, (tuple, list)) and all(map(check, value))


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


#: The check of each kind, and its description in messages.
KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "Size": (is_size, "a whole number"),
    "Sizes": (lambda value: is_size(value) or _all(is_size)(value), "a whole number or a tuple of them"),
    "SizesOrNone": (
        lambda value: value is None or is_size(value) or _all(lambda item: item is None or is_size(item))(value),
        "a whole number, None, or a tuple of them",
    ),
    "Floats": (lambda value: _is_number(value) or _all(_is_number)(value), "a number or a tuple of them"),
    "Whole": (is_size, "a whole number"),
    "Wholes": (lambda value: is_size(value) or _all(is_size)(value), "a whole number or a tuple of them"),
    "WholeTuple": (_all(is_size), "a tuple of whole numbers"),
    "int": (is_size, "a whole number"),
    "float": (lambda value: isinstance(value, (int, float, Dim)), "a number"),
    "complex": (lambda value: isinstance(value, (int, float, complex)), "a number"),
    "bool": (lambda value: isinstance(value, (bool, int)), "True or False"),
    "Number": (lambda value: isinstance(value, (int, float, complex, Dim)), "a number"),
    "Flag": (lambda value: isinstance(value, bool), "True or False"),
    "str": (lambda value: isinstance(value, str) and not isinstance(value, DType), "a string"),
    "Tensor": (_is_tensor, "a tensor"),
    "Tensors": (_all(_is_tensor), "a tuple of tensors"),
    "PackedSequence": (lambda value: isinstance(value, PackedSequence), "a packed sequence"),
    "Layer": (_is_registered("Layer"), "a layer"),
    "Activation": (_is_registered("Activation"), "a function or layer of one tensor"),
    "tuple": (lambda value: isinstance(value, (tuple, list)), "a tuple"),
    "DType": (lambda value: isinstance(value, str) and value in DTYPES, "a dtype"),
    "MemoryFormat": (lambda value: isinstance(value, MemoryFormat), "a memory format"),
    "Device": (lambda value: isinstance(value, (str, int)), "a device"),
    "None": (lambda value: value is None, "None"),
    "Any": (lambda value: True, "anything"),
}

#: For each kind, the types whose values all pass its check (exact types, not subclasses).
_EXACT: dict[str, tuple[type, ...]] = {
    "Size": (int, Dim), "Sizes": (int, Dim), "Whole": (int, Dim), "Wholes": (int, Dim), "int": (int, Dim),
    "float": (float, int, Dim), "complex": (float, int), "Number": (float, int, Dim),
    "bool": (bool, int), "Flag": (bool,),
    "str": (str,), "Tensor": (Tensor,), "None": (type(None),), "Any": (int, float, str, bool, tuple, list, Tensor),
}  # fmt: skip


@cache
def _exact_types(kinds: tuple[str, ...]) -> frozenset[type]:
    return frozenset(kind for name in kinds for kind in _EXACT.get(name, ()))


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument that a layer or function declares."""

    name: str
    kinds: tuple[str, ...]
    default: Any = REQUIRED
    variadic: bool = False
    keyword_only: bool = False
    #: Whether torch takes it by its place alone: its name is that of the documentation.
    by_place: bool = False
    #: The types whose values all pass, so that most values need no check.
    exact: frozenset[type] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "exact", _exact_types(self.kinds))

    def accepts(self, value: object) -> bool:
        """Whether the value is of one of the declared kinds."""
        return type(value) in self.exact or any(KINDS[kind][0](value) for kind in self.kinds)

    @property
    def wanted(self) -> str:
        """The accepted kinds in words: `a whole number or None`."""
        return " or ".join(KINDS[kind][1] for kind in self.kinds)


class Signature:
    """The arguments of one layer, function or block."""

    __slots__ = ("_defaults", "by_name", "owner", "parameters", "positional", "returns", "synonyms", "variadic")

    def __init__(
        self,
        owner: str,
        parameters: Sequence[Parameter],
        synonyms: Mapping[str, str] | None = None,
        returns: str = "Any",
    ) -> None:
        #: Other names that torch accepts for an argument.
        self.synonyms = synonyms or {}
        self.owner = owner
        #: The annotation of the result.
        self.returns = returns
        self.parameters = tuple(parameters)
        self.by_name = {parameter.name: parameter for parameter in parameters}
        self.positional = [p for p in parameters if not p.variadic and not p.keyword_only]
        self.variadic = next((p for p in parameters if p.variadic), None)
        self._defaults = {p.name: () if p.variadic else p.default for p in parameters}

    def bind(self, arguments: Sequence[Any], keywords: Mapping[str, Any], auto: Collection[str] = ()) -> dict[str, Any]:
        """The value of each declared argument, in the declared order.

        `auto` names the arguments that may be `auto`. Raises Refusal: unknown-argument, missing-argument,
        invalid-argument or wrong-type, with the argument's name.
        """
        bound = self._defaults.copy()
        positional = self.positional
        if len(arguments) > len(positional) and self.variadic is None:
            raise self._too_many(arguments)
        for parameter, value in zip(positional, arguments, strict=False):
            if type(value) not in parameter.exact:
                self._check(parameter, value, auto)
            bound[parameter.name] = value
        if self.variadic is not None:
            rest = tuple(arguments[len(positional) :])
            if len(rest) == 1 and isinstance(rest[0], (tuple, list)):
                rest = tuple(rest[0])
            for value in rest:
                self._check(self.variadic, value, auto)
            bound[self.variadic.name] = rest
        for given, value in keywords.items():
            parameter = self._named(given)
            if parameter.variadic and not bound[parameter.name]:
                items = tuple(value) if isinstance(value, (tuple, list)) else (value,)
                for item in items:
                    self._check(parameter, item, auto)
                bound[parameter.name] = items
                continue
            if bound[parameter.name] is not parameter.default or parameter in positional[: len(arguments)]:
                raise Refusal("unknown-argument", f"{self.owner} got {given} twice", given)
            self._check(parameter, value, auto)
            bound[parameter.name] = value
        for value in bound.values():
            if value is REQUIRED:
                raise self._missing([name for name, value in bound.items() if value is REQUIRED])
        return bound

    def text(self, width: int = 64) -> str:
        """The signature in Python's notation, `Linear(in_features, out_features, bias=True, …)`, cut at `width`."""
        written = [
            f"*{p.name}" if p.variadic else p.name if p.default is REQUIRED else f"{p.name}={described(p.default)}"
            for p in self.parameters
        ]
        kept = len(written)
        while kept > 1 and len(self.owner) + sum(map(len, written[:kept])) + 2 * kept > width:
            kept -= 1
        return f"{self.owner}({', '.join([*written[:kept], *(['…'] if kept < len(written) else [])])})"

    def _check(self, parameter: Parameter, value: Any, auto: Collection[str]) -> None:
        if parameter.accepts(value) or (value is AUTO and parameter.name in auto):
            return
        name = parameter.name
        if value is AUTO:
            raise Refusal("invalid-argument", f"{self.owner} cannot read {name} off its input: give it a value", name)
        if parameter.kinds[0] == "Tensor":
            message = f"{{layer}} takes {parameter.wanted} as {name}, but {described(value)} arrives"
        else:
            message = f"{self.owner} takes {parameter.wanted} as {name}, not {described(value)}"
        fraction = (
            isinstance(value, float)
            and value.is_integer()
            and not any(kind in ("float", "Number", "complex") for kind in parameter.kinds)
        )
        help = "use // to divide: / gives a float, even where nothing is left over" if fraction else ""
        raise Refusal("wrong-type", message, name, help=help)

    def _named(self, name: str) -> Parameter:
        parameter = self.by_name.get(name) or self.by_name.get(self.synonyms.get(name, ""))
        if parameter is None:
            near = nearest(name, self.by_name)
            help = near[0] if near else f"it takes {', '.join(self.by_name) or 'none'}"
            raise Refusal("unknown-argument", f"{self.owner} has no argument {name}", name, help=help)
        if parameter.by_place:
            message = f"{self.owner} takes {parameter.name} by its place alone, without the name"
            raise Refusal("unknown-argument", message, name)
        return parameter

    def _too_many(self, arguments: Sequence[Any]) -> Refusal:
        takes, given = len(self.positional), len(arguments)
        least = sum(p.default is REQUIRED for p in self.positional)
        count = f"{takes}" if least == takes else f"from {least} to {takes}"
        plural = "" if takes == 1 else "s"
        return Refusal(
            "unknown-argument", f"{self.owner} takes {count} positional argument{plural}, but {given} were given"
        )

    def _missing(self, names: Sequence[str]) -> Refusal:
        listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        plural = "" if len(names) == 1 else "s"
        return Refusal("missing-argument", f"{self.owner} is missing {len(names)} required argument{plural}: {listed}")


#: NumPy's names for two arguments; torch accepts them in native operators.
_SYNONYMS = {"axis": "dim", "keepdims": "keepdim"}
#: Functions that torch implements in Python; they accept no synonyms.
_IN_PYTHON = frozenset(
    {
        "glu",
        "gumbel_softmax",
        "log_softmax",
        "norm",
        "normalize",
        "softmax",
        "softmin",
        "split",
        "unique",
        "unique_consecutive",
    }
)


#: The maximum length of a value in a message.
_LONGEST = 60
#: The maximum number of items of a tuple in a message, and of nested tuples.
_ITEMS, _LEVELS = 4, 3


def described(value: object, levels: int = _LEVELS) -> str:
    """A value as messages show it: `2.5`, `'same'`, `a tuple of 2 (a tensor 5x6, …)`."""
    if isinstance(value, Tensor):
        return f"a tensor {value}"
    if isinstance(value, PackedSequence):
        return f"a packed sequence of {value.data}"
    if isinstance(value, (tuple, list)) and any(isinstance(item, (Tensor, tuple, list)) for item in value):
        items = [described(item, levels - 1) for item in value[:_ITEMS]] if levels else []
        more = ["…"] if len(value) > len(items) else []
        return f"a tuple of {len(value)} ({', '.join([*items, *more])})"
    if isinstance(value, dict):
        names = ", ".join(map(str, list(value)[:_ITEMS]))
        return f"a mapping of {names}{', …' * (len(value) > _ITEMS)}"
    if isinstance(value, type):
        return f"the layer type {value.__name__}"
    if isinstance(value, (tuple, list)) and any(isinstance(item, (Dim, type)) for item in value):
        inside = ", ".join(map(described, value[:_LONGEST]))
        text = f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    else:
        short = value[:_LONGEST] if isinstance(value, (str, tuple, list)) else value
        text = repr(short) if isinstance(short, (str, tuple, list)) else str(short)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def signature_of_function(
    owner: str, function: Callable[..., Any], skip: int = 0, by_place: Collection[str] = ()
) -> Signature:
    """The signature of a rule, from its parameters and annotations, without the first `skip`.

    `by_place` names the parameters that torch takes by their place alone.
    """
    code = function.__code__
    annotations = function.__annotations__
    defaults = function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    first_default = len(names) - len(defaults)
    parameters = [
        Parameter(
            name,
            kinds_of(annotations.get(name, "Any")),
            defaults[i - first_default] if i >= first_default else REQUIRED,
            by_place=name in by_place,
        )
        for i, name in enumerate(names)
    ][skip:]  # fmt: skip
    end = code.co_argcount + code.co_kwonlyargcount
    if code.co_flags & 0x04:  # *args; its name follows the keyword-only ones
        name = code.co_varnames[end]
        parameters.append(Parameter(name, kinds_of(annotations.get(name, "Any")), (), variadic=True))
    keyword_defaults = function.__kwdefaults__ or {}
    for name in code.co_varnames[code.co_argcount : end]:
        default = keyword_defaults.get(name, REQUIRED)
        parameters.append(Parameter(name, kinds_of(annotations.get(name, "Any")), default, keyword_only=True))
    synonyms = {} if owner in _IN_PYTHON or owner[:1].isupper() else _SYNONYMS
    return Signature(owner, parameters, synonyms, annotations.get("return", "Any"))


def kinds_of(annotation: str) -> tuple[str, ...]:
    """Split an annotation into its kinds."""
    kinds = tuple(part.strip() for part in annotation.split("|"))
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise TypeError(f"no such kind of argument: {unknown[0]} (kinds: {', '.join(KINDS)})")
    return kinds
