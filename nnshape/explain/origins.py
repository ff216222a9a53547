"""Traces sizes back from a tensor to the steps that set its dimensions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nnshape.records import dataclass
from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import Dim, TooLarge, symbol, symbols_of
from nnshape.shapes.function import Function
from nnshape.shapes.notices import noticing
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor, tensors_in
from nnshape.spec import Span
from nnshape.tracing.model import BodyInput, Call, Declared, Module, Operation
from nnshape.tracing.runtime_sizes import plain
from nnshape.work import spend

#: Maximum number of steps to go back.
_MAX_STEPS = 400
#: Units of work per step back, in addition to its rule.
_LINK = 30


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One operation on the way back from a tensor, with its input `before` and output `after`.

    `dims` are the relevant dimensions of `after`. `changed` is True if their sizes differ from those of the input,
    and `origin` if the operation's own arguments set one of them. `operation` and `before` are None for a failing
    step, whose value is the one that it declares.
    """

    call: Call
    operation: Operation | None
    before: Tensor | None
    after: Tensor
    dims: frozenset[int]
    changed: bool
    origin: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """The operations that led to a tensor, nearest first, and the model input at the end, if any."""

    links: tuple[Link, ...]
    input: Tensor | None = None

    @property
    def input_span(self) -> Span:
        """The span of the model input at the end."""
        assert self.input is not None
        assert isinstance(self.input.producer, BodyInput)
        return self.input.producer.span


def chain_of(tensor: Tensor, dims: Iterable[int] = ()) -> Chain:
    """Follow dimensions of a tensor back to the steps that set them; `dims` defaults to all except the batch."""
    wanted = frozenset(dim % len(tensor.shape) for dim in dims) if tensor.shape else frozenset()
    wanted = wanted or _own_dims(tensor)
    links: list[Link] = []
    for _ in range(_MAX_STEPS):
        spend(_LINK)
        producer = tensor.producer
        if isinstance(producer, BodyInput):
            outside = producer.outside(tensor)
            if outside is None:
                return Chain(tuple(links), tensor)
            tensor = outside
        elif isinstance(producer, Declared):
            links.append(Link(producer.call, None, None, tensor, wanted, True, True))
            break
        elif isinstance(producer, Operation):
            if producer.run is not None:
                inner = list(tensors_in(producer.run.output))
                if tensor.index >= len(inner):
                    break
                tensor = inner[tensor.index]
                continue
            sources, origin = _sources(producer, tensor, wanted)
            before = sources[0][0] if sources else next(iter(_tensors_of(producer)), None)
            changed = origin or not sources or _sizes(*sources[0]) != _sizes(tensor, wanted)
            links.append(Link(producer.call, producer, before, tensor, wanted, changed, origin or not sources))
            if not sources:
                break
            tensor, wanted = sources[0]
        else:
            break
    return Chain(tuple(links))


def _own_dims(tensor: Tensor) -> frozenset[int]:
    return frozenset(place for place, size in enumerate(tensor.shape) if place or size != N)


def _sizes(tensor: Tensor, dims: frozenset[int]) -> list[Any]:
    return [tensor.shape[dim] for dim in sorted(dims)]


def _tensors_of(operation: Operation) -> list[Tensor]:
    return list(tensors_in((operation.arguments, operation.keywords)))


def _sources(
    operation: Operation, after: Tensor, dims: frozenset[int]
) -> tuple[list[tuple[Tensor, frozenset[int]]], bool]:
    """Return the inputs and dimensions that output dimensions depend on, and whether one of those depends on none.

    Applies the rule to inputs whose sizes are all distinct symbols. Each output size then contains the symbols that
    it depends on.
    """
    tensors = list(dict.fromkeys(_tensors_of(operation)))
    made = _with_symbols(operation, tensors)
    results = list(tensors_in(made))
    index = after.index
    if index >= len(results) or len(results[index].shape) != len(after.shape):
        return _by_position(tensors, after, dims), False
    found: dict[int, set[int]] = {}
    origin = False
    for dim in dims:
        size = results[index].shape[dim]
        names = symbols_of(size) if isinstance(size, Dim) else frozenset()
        places = [place for place in map(_place_of_symbol, names) if place is not None]
        for number, place in places:
            # The batch is never at fault.
            if tensors[number].shape[place] != N:
                found.setdefault(number, set()).add(place)
        origin = origin or not places
    return [(tensors[number], frozenset(found[number])) for number in sorted(found)], origin


def _with_symbols(operation: Operation, tensors: list[Tensor]) -> Any:
    stand = {
        tensor: Tensor(
            # Keep sizes of 1, which broadcast.
            tuple(1 if size == 1 else symbol(f"at_{number}_{place}") for place, size in enumerate(tensor.shape)),
            tensor.dtype,
        )
        for number, tensor in enumerate(tensors)
    }
    arguments = _replaced(plain(operation.arguments), stand)
    keywords = {name: _replaced(plain(value), stand) for name, value in operation.keywords.items()}
    target = operation.target
    with collecting(), noticing():
        try:
            if isinstance(target, Function):
                return target.apply(arguments, keywords)
            if isinstance(target, Module) and target.layer is not None:
                return target.layer.apply(arguments, keywords)
        except (Refusal, TooLarge, ArithmeticError, TypeError, ValueError, IndexError, AttributeError):
            pass  # a rule that needs numbers: compare positions instead
    return None


def _place_of_symbol(name: str) -> tuple[int, int] | None:
    head, _, rest = name.partition("_")
    number, _, place = rest.partition("_")
    return (int(number), int(place)) if head == "at" and number.isdigit() and place.isdigit() else None


def _replaced(value: Any, stand: dict[Tensor, Tensor]) -> Any:
    if isinstance(value, Tensor):
        return stand.get(value, value)
    if isinstance(value, (tuple, list)):
        items = [_replaced(item, stand) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def _by_position(tensors: list[Tensor], after: Tensor, dims: frozenset[int]) -> list[tuple[Tensor, frozenset[int]]]:
    for tensor in tensors:
        if len(tensor.shape) == len(after.shape):
            return [(tensor, dims)]
    return [(tensors[0], _own_dims(tensors[0]))] if tensors else []
