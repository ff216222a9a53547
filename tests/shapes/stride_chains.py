"""Random chains of operations, run by torch on the CPU in each mode and traced: shapes, strides, refusals."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

import nnshape
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import MODES
from nnshape.shapes.tensor import Tensor

Step = str
_FACTORS = {
    1: (1,),
    2: (2, 1),
    3: (3,),
    4: (2, 4),
    6: (2, 3, 6),
    8: (2, 4, 8),
    12: (2, 3, 4, 6),
    16: (4, 8),
    24: (4, 6),
}


class Mode:
    """One way to run the steps: with its own modules in training or evaluation, with gradients or without."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.modules: dict[str, nn.Module] = {}

    def run(self, step: Step, value: torch.Tensor) -> Any:
        names = {**vars(torch), **vars(functional), **vars(nn), "x": value}
        with torch.set_grad_enabled(self.name != MODES[2]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not step[0].isupper():
                return eval(step, names)
            head, _, tail = step.partition("|")
            module = eval(head, names).train(self.name == "training")
            names["m"] = module
            return eval(tail, names)


def _permutation(choose: random.Random, rank: int) -> str:
    order = list(range(rank))
    choose.shuffle(order)
    return ", ".join(map(str, order))


def _joined(choose: random.Random, shape: tuple[int, ...]) -> list[int]:
    """The sizes with two neighbours joined or one split."""
    sizes = list(shape)
    if len(sizes) > 1 and choose.random() < 0.6:
        place = choose.randrange(len(sizes) - 1)
        sizes[place : place + 2] = [sizes[place] * sizes[place + 1]]
    else:
        place = choose.randrange(len(sizes))
        factor = choose.choice([f for f in (1, 2, 3) if sizes[place] % f == 0])
        sizes[place : place + 1] = [factor, sizes[place] // factor]
    return sizes


def steps_for(choose: random.Random, value: torch.Tensor) -> Iterator[Step]:
    """Some step that the value may go through; `x` is the value, and a layer stands before its call."""
    shape, rank = tuple(value.shape), value.dim()
    dim = choose.randrange(rank)
    size = shape[dim]
    always = [
        f"x.permute({_permutation(choose, rank)})",
        f"x.transpose({dim}, {choose.randrange(rank)})",
        f"x.view({', '.join(map(str, _joined(choose, shape)))})",
        f"x.reshape({', '.join(map(str, _joined(choose, shape)))})",
        f"x.unsqueeze({choose.randrange(rank + 1)})",
        "x.squeeze()",
        f"x.flip({dim})",
        f"x.narrow({dim}, {choose.randrange(size)}, 1)",
        f"x[{'..., ' if choose.random() < 0.5 else ''}::2]",
        "x[:, None]" if rank else "x",
        f"cat([x, x], {dim})",
        f"cat([x, x.contiguous()], {dim})",
        f"stack([x, x], {choose.randrange(rank + 1)})",
        "relu(x)",
        "x + 1",
        "x * x.contiguous()",
        "x.sigmoid()",
        f"softmax(x, {dim})",
        f"x.sum({dim}, keepdim=True)",
        f"x - x.mean({dim}, keepdim=True)",
        f"x.flatten({choose.randrange(rank)})",
        f"x.chunk(2, {dim})[0]",
        f"x.select({dim}, 0)",
        "x.contiguous()",
        "x.clone()",
        "x.abs_()",
        f"x.unsqueeze({dim}).expand({', '.join(['-1'] * dim + ['3'] + ['-1'] * (rank - dim))})",
        f"x.movedim({dim}, 0)",
        f"x.roll(1, {dim})",
        f"layer_norm(x, [{shape[-1]}])",
        f"Linear({shape[-1]}, 6)|m(x)",
        "Dropout(0.5)|m(x)",
        f"x.unflatten({dim}, ({'2, -1' if size % 2 == 0 else '-1, 1'}))",
    ]
    if rank >= 2:
        always += ["x @ x.transpose(-2, -1)", "x.mT", f"x.diagonal(0, {dim}, {(dim + 1) % rank})"]
    if rank == 3:
        always += [
            f"LSTM({shape[2]}, 6, batch_first=True)|m(x)[0]",
            f"GRU({shape[2]}, 6)|m(x)[0]",
            f"Conv1d({shape[1]}, 4, 1)|m(x)",
            f"TransformerEncoderLayer({shape[2]}, 1, 8, batch_first=True)|m(x)",
            f"BatchNorm1d({shape[1]})|m(x)",
        ]
        heads = 2 if shape[2] % 2 == 0 else 1
        always += [f"MultiheadAttention({shape[2]}, {heads}, batch_first=True)|m(x, x, x)[0]"] * 3
    if rank == 4:
        always += [
            f"Conv2d({shape[1]}, 4, 3, padding=1)|m(x)",
            f"Conv2d({shape[1]}, {shape[1]}, 1, groups={shape[1]})|m(x)",
            f"BatchNorm2d({shape[1]})|m(x)",
            f"GroupNorm(1, {shape[1]})|m(x)",
            "max_pool2d(x, 2, 1)",
            "avg_pool2d(x, 2, 1)",
            "AdaptiveAvgPool2d(2)|m(x)",
            "interpolate(x, scale_factor=2)",
            "pad(x, (1, 1))",
            "scaled_dot_product_attention(x, x, x)",
            "x.permute(0, 3, 1, 2)",
            "x.permute(0, 2, 3, 1)",
            f"ConvTranspose2d({shape[1]}, 3, 2, 2)|m(x)",
        ]
    if not value.is_contiguous() and choose.random() < 0.25:
        always = [text for text in always if text.startswith(("x.view", "x.unflatten"))]
    while True:
        yield choose.choice(always)


def chain(seed: int, length: int = 6) -> tuple[list[int], list[Step], list[dict[str, Any]]]:
    """An input, steps, and what torch made of each step in each mode: a shape and strides, or its refusal."""
    choose = random.Random(seed)
    torch.manual_seed(0)
    shape = [choose.choice([1, 2, 3, 4, 6]) for _ in range(choose.choice([2, 3, 3, 4, 4]))]
    values = {mode: torch.rand(shape) for mode in MODES}
    runs = {mode: Mode(mode) for mode in MODES}
    steps: list[Step] = []
    made: list[dict[str, Any]] = []
    while len(steps) < length:
        current = values["training"]
        if not 0 < current.dim() < 6 or not 0 < current.numel() < 20_000:
            break
        step = next(steps_for(choose, current))
        if step == "x.abs_()" and not steps:
            continue
        results: dict[str, Any] = {}
        for mode, run in runs.items():
            try:
                results[mode] = run.run(step, values[mode].detach() if step == "x.abs_()" else values[mode])
            except RuntimeError as error:
                results[mode] = str(error)
            except (ValueError, IndexError, AssertionError):
                results[mode] = "otherwise"
        refused = [text for text in results.values() if isinstance(text, str)]
        if any("view size" not in text and "single memory" not in text for text in refused):
            continue  # shapes are held elsewhere
        steps.append(step)
        made.append(
            {
                mode: text if isinstance(text, str) else (tuple(text.shape), tuple(text.stride()))
                for mode, text in results.items()
            }
        )
        if refused:
            break
        values = results
    return shape, steps, made


def spec_of(shape: Sequence[int | str], steps: list[Step]) -> str:
    """The chain as nnshape reads it."""
    lines = [f'input: "[{", ".join(map(str, shape))}]"', "layers:"]
    for number, step in enumerate(steps):
        before = "x" if number == 0 else f"s{number - 1}"
        head, bar, tail = step.partition("|")
        text = head + tail[1:] if bar else step
        text = _renamed(text, before)
        lines.append(f"  s{number}: '{text}'")
    return "\n".join(lines) + "\n"


def _renamed(text: str, name: str) -> str:
    import re

    return re.sub(r"\bx\b", name, text)


def differences(seed: int) -> tuple[list[str], int, int]:
    """What nnshape says otherwise than torch of one chain; how many strides were compared, and how many unknown."""
    shape, steps, made = chain(seed)
    if not steps:
        return [], 0, 0
    text = spec_of(shape, steps)
    trace = nnshape.trace(nnshape.loads(text, "chain.yaml"))
    calls = {call.name: call for call in trace.calls}
    found: list[str] = []
    compared = unknown = 0
    told = {
        problem.span.line - 3: problem for problem in trace.problems if problem.span and problem.severity == "error"
    }
    before: Any = next(iter(trace.inputs.values()))
    for number, (step, results) in enumerate(zip(steps, made, strict=True)):
        refused = [mode for mode, result in results.items() if isinstance(result, str)]
        problem = told.get(number)
        if refused:
            if problem is None and layout_of(before, refused[0]) is not None:  # type: ignore[arg-type]
                found.append(f"{step} is refused in {refused}, and nnshape is silent\n{text}")
            elif problem is not None and problem.kind != "not-contiguous":
                found.append(
                    f"{step} is refused in {refused}, and nnshape says {problem.kind}: {problem.message}\n{text}"
                )
            break
        if problem is not None:
            found.append(f"{step} runs, and nnshape says {problem.message}\n{text}")
            break
        output = calls[f"s{number}"].output
        if not isinstance(output, Tensor):
            found.append(f"{step} has no tensor: {output}\n{text}")
            break
        for mode in MODES:
            wanted_shape, wanted = results[mode]
            layout = layout_of(output, mode)
            if output.shape != wanted_shape:
                found.append(f"{step}: {output.shape}, and torch has {wanted_shape}\n{text}")
            elif layout is None:
                unknown += 1
            else:
                compared += 1
                if layout.strides != wanted:
                    found.append(f"{step} {mode}: {output.shape} {layout.strides}, and torch has {wanted}\n{text}")
        before = output
        if found:
            break
    return found, compared, unknown
