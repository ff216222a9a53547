"""Random chains of operations on inputs with N and other symbols: what nnshape says of strides, at several sizes.

A chain is traced once with symbols, and run by torch on the CPU at several values of them, in each mode.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import torch
from stride_chains import Mode, spec_of

import nnshape
from nnshape.shapes.dims import substitute
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import MODES
from nnshape.shapes.tensor import Tensor

#: How many values of the symbols a chain runs at.
VALUES = 3
#: Rules that are right of one batch only, or of N alone, and end a chain: other tests hold them.
_OF_THE_BATCH = ("fixed-batch", "loses-batch", "mixes-samples")
Sizes = dict[str, int]


class _Runs:
    """One chain at each of the sizes and in each mode."""

    def __init__(self, choose: random.Random) -> None:
        rank = choose.choice([2, 3, 3, 4, 4])
        names = ["N", choose.choice([4, 6]), "H", "W"] if rank == 4 else ["N", "T", choose.choice([4, 6])][:rank]
        if choose.random() < 0.3:
            names[1:] = choose.sample(names[1:], rank - 1)
        self.names: list[Any] = names
        symbols = [name for name in names if isinstance(name, str)]
        # Different ones, so that no symbol looks like a number.
        columns = [choose.sample([2, 3, 4, 5, 6, 8], VALUES) for _ in symbols]
        self.sizes: list[Sizes] = [dict(zip(symbols, row, strict=True)) for row in zip(*columns, strict=True)]
        self.modes = [Mode(mode) for mode in MODES]
        self.values: dict[tuple[int, str], torch.Tensor] = {
            (at, mode): torch.rand([size if isinstance(size, int) else sizes[size] for size in names])
            for at, sizes in enumerate(self.sizes)
            for mode in MODES
        }

    def run(self, step: str) -> dict[tuple[int, str], Any]:
        """The result at each of the sizes in each mode: a tensor, or why torch refuses."""
        results: dict[tuple[int, str], Any] = {}
        for at, _ in enumerate(self.sizes):
            for mode in self.modes:
                torch.manual_seed(0)
                try:
                    value = self.values[at, mode.name]
                    results[at, mode.name] = mode.run(step, value.detach() if step == "x.abs_()" else value)
                except RuntimeError as error:
                    results[at, mode.name] = str(error)
                except (ValueError, IndexError, AssertionError):
                    results[at, mode.name] = "otherwise"
        return results


def _steps_for(choose: random.Random, values: list[torch.Tensor]) -> Iterator[str]:
    """Some step for a value of these shapes; a size that differs between them is read off the tensor."""
    shapes = [tuple(value.shape) for value in values]
    rank = len(shapes[0])
    sizes = [str(one[0]) if len(set(one)) == 1 else None for one in zip(*shapes, strict=True)]
    texts = [size or f"x.shape[{place}]" for place, size in enumerate(sizes)]
    dim = choose.randrange(rank)
    other = choose.randrange(rank)
    order = list(range(rank))
    choose.shuffle(order)
    permutation = ", ".join(map(str, order))
    joined = list(texts)
    if rank > 1 and choose.random() < 0.7:
        place = choose.randrange(rank - 1)
        joined[place : place + 2] = [f"{texts[place]} * {texts[place + 1]}"]
    else:
        place = next((place for place, size in enumerate(sizes) if size and int(size) % 2 == 0), 0)
        joined[place : place + 1] = ["2", f"{texts[place]} // 2"] if sizes[place] else ["1", texts[place]]
    if choose.random() < 0.3:
        joined[choose.randrange(len(joined))] = "-1"
    shape = ", ".join(joined)
    steps = [
        f"x.permute({permutation})",
        f"x.transpose({dim}, {other})",
        f"x.view({shape})",
        f"x.view({shape})",
        f"x.reshape({shape})",
        f"x.unsqueeze({choose.randrange(rank + 1)})",
        f"x.unsqueeze({dim}).expand({', '.join(['-1'] * dim + ['3'] + ['-1'] * (rank - dim))})",
        f"x.flip({dim})",
        f"x[{'..., ' if choose.random() < 0.5 else ''}1:]",
        f"x[{'..., ' if choose.random() < 0.5 else ''}::2]",
        f"x.narrow({dim}, 1, 1)",
        f"x.select({dim}, 0)",
        f"cat([x, x], {dim})",
        f"stack([x, x], {choose.randrange(rank + 1)})",
        "relu(x)",
        "x * 2 + x",
        "x * x.contiguous()",
        f"x - x.mean({dim}, keepdim=True)",
        f"softmax(x, {dim})",
        f"x.flatten({choose.randrange(rank)})",
        "x.contiguous()",
        "x.clone()",
        "x.abs_()",
        f"x.movedim({dim}, 0)",
        f"x.chunk(2, {dim})[0]",
        f"x.unfold({dim}, 2, 1)",
    ]
    if rank >= 2:
        steps += ["x @ x.transpose(-2, -1)", "x.mT", f"x.diagonal(0, {dim}, {(dim + 1) % rank})"]
    last = sizes[-1]
    if last:
        steps += [f"layer_norm(x, [{last}])", f"Linear({last}, 6)|m(x)"]
    if rank == 3 and last:
        steps += [
            f"LSTM({last}, 6, batch_first=True)|m(x)[0]",
            f"GRU({last}, 6)|m(x)[0]",
            f"MultiheadAttention({last}, {2 if int(last) % 2 == 0 else 1}, batch_first=True)|m(x, x, x)[0]",
        ]
    if rank == 3 and sizes[1]:
        steps += [f"Conv1d({sizes[1]}, 4, 1)|m(x)", f"BatchNorm1d({sizes[1]})|m(x)"]
    if rank == 4 and sizes[1]:
        steps += [
            f"Conv2d({sizes[1]}, 4, 3, padding=1)|m(x)",
            f"BatchNorm2d({sizes[1]})|m(x)",
            "max_pool2d(x, 2, 1)",
            "interpolate(x, scale_factor=2)",
            "pad(x, (1, 1))",
            "AdaptiveAvgPool2d(2)|m(x)",
            "x.contiguous(memory_format=channels_last)",
            "x.to(memory_format=torch.channels_last)",
        ]
    if rank == 4:
        steps += ["x.permute(0, 3, 1, 2)", "x.permute(0, 2, 3, 1)", "scaled_dot_product_attention(x, x, x)"]
    if not values[0].is_contiguous() and choose.random() < 0.3:
        steps = [text for text in steps if text.startswith("x.view")]
    while True:
        yield choose.choice(steps)


def differences(seed: int, length: int = 6) -> tuple[list[str], int, int]:
    """What nnshape says otherwise than torch of one chain; how many strides were compared, and how many unknown."""
    choose = random.Random(seed)
    runs = _Runs(choose)
    steps: list[str] = []
    made: list[dict[tuple[int, str], Any]] = []
    for _ in range(4 * length):
        now = [runs.values[at, MODES[0]] for at in range(VALUES)]
        if len(steps) == length or not all(0 < value.dim() < 6 and 0 < value.numel() < 20_000 for value in now):
            break
        step = next(_steps_for(choose, now))
        if step == "x.abs_()" and not steps:
            continue
        results = runs.run(step)
        refused = [text for text in results.values() if isinstance(text, str)]
        if any("view size" not in text and "single memory" not in text for text in refused):
            continue  # shapes are held elsewhere
        steps.append(step)
        made.append(results)
        if refused:
            break
        runs.values = results
    if not steps:
        return [], 0, 0
    return _compared(runs, steps, made)


def _compared(runs: _Runs, steps: list[str], made: list[dict[tuple[int, str], Any]]) -> tuple[list[str], int, int]:
    text = spec_of(runs.names, steps)
    trace = nnshape.trace(nnshape.loads(text, "chain.yaml"))
    calls = {call.name: call for call in trace.calls}
    told = {problem.span.line - 3: problem for problem in trace.problems if problem.severity == "error"}
    compared = unknown = 0
    for number, (step, results) in enumerate(zip(steps, made, strict=True)):
        problem = told.get(number)
        refused = {place for place, result in results.items() if isinstance(result, str)}
        if problem is not None:
            if problem.kind in _OF_THE_BATCH:
                break
            where = {at for at, _ in refused}
            if problem.kind != "not-contiguous" or where != set(range(VALUES)):
                said = f"{step}: {problem.kind}, {problem.message}; torch refuses {refused}"
                return [f"{said}\n{text}"], compared, unknown
            break
        output = calls[f"s{number}"].output
        if not isinstance(output, Tensor):
            return [f"{step} has no tensor: {output}\n{text}"], compared, unknown
        for (at, mode), result in results.items():
            sizes = runs.sizes[at]
            layout = layout_of(output, mode)  # type: ignore[arg-type]
            if layout is None:
                unknown += 1
                continue
            said = f"{step} {mode} at {sizes}: {output.shape}, {layout.strides}"
            if isinstance(result, str):
                return [f"{said}, and torch refuses it\n{text}"], compared, unknown
            shape = tuple(substitute(size, sizes) for size in output.shape)
            strides = tuple(substitute(step, sizes) for step in layout.strides)
            if shape != result.shape or (strides != result.stride() and _holds(sizes, shape)):
                return [f"{said}; torch has {result.shape}, {result.stride()}\n{text}"], compared, unknown
            compared += 1
        if refused:
            break
    return [], compared, unknown


def _holds(sizes: Sizes, shape: tuple[Any, ...]) -> bool:
    """Whether the layout claims to hold: for symbols of 2 or more, and for tensors with elements."""
    return all(size > 1 for size in sizes.values()) and 0 not in shape
