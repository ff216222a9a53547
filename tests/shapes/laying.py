"""Holds how a rule lays out its result against torch on the CPU, over inputs that lie in memory in many ways."""

from __future__ import annotations

import random
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from nnshape.shapes.function import Function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layouts.applied import key_of, result_layouts
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import Layout, contiguous_strides, dense_strides, new_layout
from nnshape.shapes.layouts.requirements import require_layout
from nnshape.shapes.layouts.viewing_inside import require_viewable
from nnshape.shapes.nested import map_nested
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Maker, Tensor, product, tensors_in

#: How many results were compared, and of how many the rule knows no layout, by the rule's name.
COMPARED: Counter[tuple[str, str]] = Counter()


@dataclass(frozen=True, eq=False)
class Arranged(Maker):
    """The producer of an input that lies in memory in a given way."""

    layout: Layout

    def known_layouts(self, tensor: Tensor, mode: Any) -> tuple[Layout]:
        return (self.layout,)


def arranged(value: Any, choose: random.Random | None) -> Any:
    """The value with each of its tensors laid out at random; contiguous without a `choose`."""

    def one(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        return Tensor(leaf.shape, leaf.dtype, leaf.span, Arranged(_layout(leaf, choose)))

    return map_nested(one, value)


def _layout(tensor: Tensor, choose: random.Random | None) -> Layout:
    shape: Any = tensor.shape
    rank = len(shape)
    layout = new_layout(shape, tensor.dtype, contiguous_strides(shape))
    if choose is None or rank == 0:
        return layout
    kind = choose.choice(("contiguous", "permuted", "last", "sliced", "expanded", "stepped", "permuted", "last"))
    order = list(range(rank - 1, -1, -1))
    if kind == "permuted":
        choose.shuffle(order)
    elif kind == "last":  # channels last
        order = [1, *range(rank - 1, 1, -1), 0] if rank > 2 else [0, 1][:rank]
    strides = list(dense_strides(shape, order))
    if kind == "sliced":
        place = choose.randrange(rank)
        wider = (*shape[:place], shape[place] + 2, *shape[place + 1 :])
        strides = list(dense_strides(wider, order))
        whole = new_layout(wider, tensor.dtype, strides)
        return whole.view(strides, 1 * strides[place])
    if kind == "stepped":
        place = choose.randrange(rank)
        wider = (*shape[:place], max(shape[place] * 2, 1), *shape[place + 1 :])
        strides = list(dense_strides(wider, order))
        strides[place] = strides[place] * 2
        return new_layout(wider, tensor.dtype, strides)
    if kind == "expanded":
        for place in range(rank):
            if shape[place] > 1 and choose.random() < 0.5:
                narrow = tuple(1 if at == place else size for at, size in enumerate(shape))
                strides = list(dense_strides(narrow, order))
                strides[place] = 0
                break
    return new_layout(shape, tensor.dtype, strides)


def lay(value: torch.Tensor, tensor: Tensor) -> torch.Tensor:
    """The real tensor in memory as the abstract one is."""
    producer = tensor.producer
    if not isinstance(producer, Arranged) or value.shape != tensor.shape:
        return value
    layout: Any = producer.layout
    last = sum((size - 1) * step for size, step in zip(tensor.shape, layout.strides, strict=True) if size)
    room = layout.offset + last + 1 if 0 not in tensor.shape else layout.offset + 1
    with torch.no_grad():
        found = torch.zeros(max(int(room), int(product(tensor.shape))), dtype=value.dtype)
        found = found.as_strided(tensor.shape, layout.strides, layout.offset)
        if 0 not in layout.strides:
            found.copy_(value)
    return found.requires_grad_(value.requires_grad)


def hold_layouts(
    text: str, target: Layer | Function, by_torch: Callable[[Any, Any], Any], inputs: Any, call: Any
) -> None:
    """Hold the strides of a result against torch's: for contiguous inputs, and for inputs laid out at random."""
    choose = random.Random(zlib.crc32(text.encode()))
    for chooser in (None, choose):
        laid, laid_call = arranged(inputs, chooser), arranged(call, chooser)
        said = f"{text}, with strides {[layout_of(tensor, 'training') for tensor in tensors_in((laid, laid_call))]}"
        try:
            result = target.apply(laid, laid_call)
            if isinstance(target, Layer) and target.functional is not None and target.functional.asks_for_layout:
                require_viewable(key_of(target), target.call_signature().bind(laid, laid_call), result)
            elif _asks_for_layout(target, laid_call):
                own = {"training": True} | vars(target) if isinstance(target, Layer) else {}
                require_layout(key_of(target), laid, own | laid_call, result)
        except Refusal as refusal:
            result = refusal
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                wanted = [tuple(tensor.stride()) for tensor in _tensors(by_torch(laid, laid_call))]
        except Exception as error:
            if not isinstance(result, Refusal):
                COMPARED[key_of(target), "torch refuses"] += 1
                assert "view size is not compatible" not in str(error), f"{said}: {error}"
            continue
        assert not isinstance(result, Refusal), f"{said}: refused {result}"
        found = result_layouts(target, laid, laid_call, result, "training")
        for layout, strides in zip(found, wanted, strict=False):
            COMPARED[key_of(target), "unknown" if layout is None else "compared"] += 1
            assert layout is None or layout.strides == strides, f"{said}: {layout.strides}, and torch has {strides}"


#: Those that write into running statistics, which no model expands; and layers, which are held by a trace.
_WRITES_INSIDE = ("batch_norm", "instance_norm")


def _asks_for_layout(target: Layer | Function, call: Any) -> bool:
    in_place = call.get("inplace") is True
    if isinstance(target, Layer):
        return in_place or vars(target).get("inplace") is True
    return in_place or target.asks_for_layout


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [tensor for item in value for tensor in _tensors(item)]
    if isinstance(value, dict):
        return [tensor for item in value.values() for tensor in _tensors(item)]
    return []
