"""Infers shapes without a rule: runs torch on meta at several sizes and fits the output sizes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import torch

from nnshape.modules.default_dtype import in_dtype
from nnshape.modules.fitting import fitted
from nnshape.modules.leaves import argument, torch_dtype
from nnshape.shapes.dims import Dim, Size, substitute, symbols_of
from nnshape.shapes.dtypes import DTYPES, default_dtype
from nnshape.shapes.nested import leaves_in, map_nested
from nnshape.shapes.notices import notice
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, Tensor
from nnshape.tracing.value_display import holds_unknown

#: The smallest size of the runs and the step between sizes: some classes need multiples of powers of two.
_SCALES = ((3, 1), (16, 8), (64, 32), (224, 32))


#: The most symbols of which each two are tried as equal.
_PAIRED = 6


class Unmeasurable(Exception):
    """An operation cannot run on meta: its shape depends on values, or it has no meta kernel."""


def measured(name: str, run: Callable[..., Any], arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    """Infer the outputs of `run` for abstract arguments, with symbolic sizes fitted to several runs.

    Returns UNKNOWN, with a notice, if that fails. Raises Refusal if `run` raises.
    """
    with in_dtype(default_dtype()):
        return _measured(name, run, arguments, keywords)


def _measured(name: str, run: Callable[..., Any], arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    given = (arguments, dict(keywords))
    symbols = sorted({name for size in _sizes_in(given) for name in symbols_of(size)})
    failure: Refusal | None = None
    for start, step in _SCALES if symbols else ((1, 0),):
        try:
            runs = [(values, _run(name, run, given, values)) for values in _points(symbols, start, step)]
        except Unmeasurable as error:
            notice(
                "unmeasured",
                f"the output of {{layer}} is unknown: {name} has no rule and cannot run on meta",
                str(error),
            )
            return UNKNOWN
        except Refusal as refusal:
            # Keep the first error: it has the smallest sizes, which are the easiest to read.
            failure = failure or refusal
            continue
        dims = list(dict.fromkeys(size for size in _sizes_in(given)))
        outputs = fitted([output for _, output in runs], [values for values, _ in runs], dims)
        if holds_unknown(outputs):
            formula = f"linear formula of {', '.join(symbols)}" if symbols else "formula"
            message = f"the output of {{layer}} is unknown: {name} has no rule, and no {formula} fits its sizes"
            notice("unmeasured", message)
        return outputs
    assert failure is not None
    if not _runs_at_others(name, run, given, symbols):
        raise failure
    which = (
        f"the output of {{layer}} is unknown: {name} has no rule, and torch refuses some sizes of {', '.join(symbols)}"
    )
    notice("unmeasured", f"{which}: give them values", str(failure))
    return UNKNOWN


def _runs_at_others(name: str, run: Callable[..., Any], given: tuple[Any, ...], symbols: Sequence[str]) -> bool:
    """Return whether an operation that refuses different sizes runs where they are equal, or in the other order."""
    for values in _other_points(symbols):
        try:
            _run(name, run, given, values)
        except Unmeasurable:
            return True
        except Refusal:
            continue
        return True
    return False


def _other_points(symbols: Sequence[str]) -> Iterator[dict[str, int]]:
    """Yield values of two symbols or more: in descending order, all equal, and each two equal."""
    if len(symbols) < 2:
        return
    base = {name: 3 + 2 * index for index, name in enumerate(symbols)}
    yield dict(zip(symbols, reversed(base.values()), strict=True))
    yield dict.fromkeys(symbols, 8)
    for one, other in combinations(symbols[:_PAIRED], 2):
        yield {**base, other: base[one]}


def _run(name: str, run: Callable[..., Any], given: tuple[Any, ...], values: dict[str, int]) -> Any:
    """Run once at these values, and return the outputs as abstract tensors."""
    arguments, keywords = _real(given, values)
    with refusals(name), warnings.catch_warnings(), torch.no_grad(), torch.device("meta"):
        warnings.simplefilter("ignore")
        return _traced(run(*arguments, **keywords))


class refusals:
    """A context manager that turns exceptions into a Refusal with their message, or into Unmeasurable."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (Refusal, KeyboardInterrupt, GeneratorExit)):
            return
        said = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, (NotImplementedError, RuntimeError)) and "meta" in said.casefold():
            raise Unmeasurable(said.split(". ")[0]) from error
        raise Refusal("invalid-argument", f"{self._name} raises {type(error).__name__}: {said}") from error


def _points(symbols: Sequence[str], start: int, step: int) -> Iterator[dict[str, int]]:
    """Yield values of the symbols: all distinct, then each changed alone twice, then all changed together."""
    base = {name: start + step * (2 * index) for index, name in enumerate(symbols)}
    yield base
    for name in symbols:
        for times in (1, 3):
            yield {**base, name: base[name] + step * times}
    if len(symbols) > 1:
        yield {name: value + step * (index + 2) for index, (name, value) in enumerate(base.items())}


def _sizes_in(given: Any) -> Iterator[Dim]:
    """Yield the symbolic sizes among the arguments and in their shapes."""
    for leaf in leaves_in(given):
        sizes = leaf.shape if isinstance(leaf, Tensor) else (leaf,)
        yield from (size for size in sizes if isinstance(size, Dim))


def _number(size: Size, values: dict[str, int]) -> int:
    number = substitute(size, values)
    assert isinstance(number, int)
    return number


def _real(value: Any, values: dict[str, int]) -> Any:
    """Return the arguments of a run, with tensors on meta and numbers for symbols."""
    if isinstance(value, Tensor):
        return torch.empty(
            [_number(size, values) for size in value.shape], dtype=torch_dtype(value.dtype), device="meta"
        )
    if isinstance(value, Dim):
        return _number(value, values)
    if isinstance(value, (tuple, list, dict)):
        return map_nested(lambda leaf: _real(leaf, values), value)
    return argument(value, {})


def _traced(value: Any) -> Any:
    """Return an output as abstract tensors and numbers, with UNKNOWN for any other value."""
    if isinstance(value, torch.Tensor):
        known = value.layout == torch.strided and str(value.dtype).removeprefix("torch.") in DTYPES
        return abstract(value) if known else UNKNOWN
    if isinstance(value, (tuple, list)):
        return tuple(map(_traced, value))
    return value if value is None or isinstance(value, (bool, int, float)) else UNKNOWN


def abstract(tensor: torch.Tensor) -> Tensor:
    """Return the shape and dtype of a torch tensor."""
    return Tensor(tuple(tensor.shape), DTYPES[str(tensor.dtype).removeprefix("torch.")])
