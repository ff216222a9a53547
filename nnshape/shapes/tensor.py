"""The abstract tensor that flows through a trace: a shape and a dtype, and torch's own methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from typing import TYPE_CHECKING, Any

from nnshape.records import dataclass
from nnshape.shapes.dims import Dim, Size, readable, shape_part, symbol
from nnshape.shapes.dtypes import FLOAT32, DType, is_complex, is_floating
from nnshape.shapes.nested import leaves_in

if TYPE_CHECKING:
    from nnshape.shapes.layouts.layout import Layouts, Mode

#: The batch, in every model.
N: Dim = symbol("N")

Shape = tuple[Size, ...]


class Maker:
    """The base class of the producers of a trace: makes tensors, and knows their layouts in memory."""

    __slots__ = ()

    def stands_for(self, tensor: Tensor) -> Tensor | None:
        """The original of a tensor that this producer only passes on; otherwise the tensor itself."""
        return tensor

    def known_layouts(self, tensor: Tensor, mode: Mode) -> Layouts | None:
        """The layouts of all tensors of this producer, `tensor` included; None before `lay_out` has computed them."""
        return ()

    def gives_contiguous(self) -> bool:
        """Whether all its tensors are known to be contiguous, without a look at what they are made of."""
        return False

    def layout_sources(self) -> Iterable[Tensor]:
        """The tensors whose layouts `lay_out` needs."""
        return ()

    def learns(self) -> bool | None:
        """Whether it reads parameters that are trained; None if that is unknown."""
        return False

    def gradient_sources(self) -> Iterable[Tensor]:
        """The tensors whose gradients its own come from."""
        return ()

    def lay_out(self, mode: Mode) -> None:
        """Compute the layouts. Those of `layout_sources` must be known."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An abstract tensor: a shape and a dtype, without values. It has torch's methods.

    `shape` has one size per dimension: an int, or a `Dim` if it is symbolic. `dtype` is torch's name of
    the dtype. `span` bounds the values of an integer tensor, both ends included, if they are known (`arange`).

    A traced tensor also knows its `producer`, the operation or input that made it, and its `index` among
    the producer's outputs. Rules ignore both: the trace sets them when it records the operation.
    """

    shape: Shape
    dtype: DType = FLOAT32
    span: tuple[Size, Size] | None = None
    producer: Maker | None = field(default=None, repr=False)
    index: int = field(default=0, repr=False)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def numel(self) -> Size:
        """The number of elements."""
        return product(self.shape)

    def like(self, shape: Iterable[Size] | None = None, dtype: DType | None = None) -> Tensor:
        """A new tensor with another shape or dtype; by default, with this tensor's."""
        return Tensor(self.shape if shape is None else tuple(shape), self.dtype if dtype is None else dtype)

    def __str__(self) -> str:
        text = shape_text(self.shape)
        if self.dtype == "float32":
            return text
        per_sample = (is_floating(self.dtype) or is_complex(self.dtype)) and not text.startswith("[")
        return f"{self.dtype} {text}" if per_sample else f"{self.dtype}{_bracketed(self.shape)}"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = None if name.startswith("_") else _find_method(name)
        if function is None:
            raise AttributeError(f"a tensor has no method {name!r}")
        return lambda *arguments, **keywords: function.apply((self, *arguments), keywords)


def _no_method(name: str) -> Any:
    return None


_find_method: Callable[[str], Any] = _no_method


def give_methods(find: Callable[[str], Any]) -> None:
    """Set the lookup of tensor methods: `find` returns the rule of a name, or None.

    `nnshape.shapes.functions` calls this when imported; importing it here would be a circle.
    """
    global _find_method
    _find_method = find


class Unknown:
    """An unknown value: the result of a step after a fault, or of a layer without a rule."""

    __slots__ = ()

    def __str__(self) -> str:
        return "?"

    __repr__ = __str__


UNKNOWN = Unknown()


def product(sizes: Iterable[Size]) -> Size:
    """The product of the sizes; 1 for none."""
    total: Size = 1
    for size in sizes:
        total = total * size
    return total


def shape_text(shape: Shape) -> str:
    """A shape as text: per sample, `6x28x28`, if the batch comes first; otherwise `[T, 6]`."""
    if len(shape) > 1 and shape[0] == N:
        return sizes_text(shape[1:])
    return _bracketed(shape)


def sizes_text(sizes: Iterable[Size]) -> str:
    """Sizes joined by `x`: `6x28x28`, or `16 x (H//2 - 2) x W` if one is symbolic."""
    sizes = tuple(sizes)
    symbolic = any(isinstance(size, Dim) for size in sizes)
    return (" x " if symbolic else "x").join(map(shape_part, sizes))


def _bracketed(shape: Shape) -> str:
    return f"[{', '.join(map(readable, shape))}]"


def tensors_in(value: object) -> Iterable[Tensor]:
    """The tensors in a value or in its nested tuples, lists and mappings, in order."""
    return (leaf for leaf in leaves_in(value) if isinstance(leaf, Tensor))
