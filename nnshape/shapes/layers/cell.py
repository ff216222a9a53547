"""Single recurrent steps: https://pytorch.org/docs/stable/nn.html#recurrent-layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import DType, is_complex, promote
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor, product

if TYPE_CHECKING:
    from nnshape.problems.kinds import KindName
    from nnshape.shapes.arguments import Tensors


class _Cell(Layer):
    """One step of a recurrent layer: (input, state) -> next state."""

    if TYPE_CHECKING:
        input_size: Size
        hidden_size: Size
        bias: bool

    #: The number of gates, each a linear map of the input and of the hidden state.
    gates: ClassVar[int]
    auto = {"input_size": (0, -1)}

    def check(self) -> None:
        self.require_sizes("input_size", "hidden_size")
        self.require_learnable()
        if self.parameter_dtype == "complex32":
            raise Refusal("invalid-argument", f"{type(self).__name__} cannot compute in complex32", "dtype")

    def parameters(self) -> dict[str, Tensor]:
        dtype, rows = self.parameter_dtype, self.gates * self.hidden_size
        found = {
            "weight_ih": Tensor((rows, self.input_size), dtype),
            "weight_hh": Tensor((rows, self.hidden_size), dtype),
        }
        if self.bias:
            found["bias_ih"] = Tensor((rows,), dtype)
            found["bias_hh"] = Tensor((rows,), dtype)
        return found

    def state_of(self, input: Tensor) -> Tensor:
        """The state that matches an input's shape and dtype."""
        shape = input.shape
        if len(shape) not in (1, 2):
            message = f"{{layer}} takes one step, [N, features] or [features], but {input} arrives"
            note = f"{type(self).__name__}: Expected input to be 1D or 2D, got {len(shape)}D instead"
            raise Refusal("wrong-rank", message, "input", note=note)
        self.require_dtype(input)
        arrives = shape[-1]
        if not assume_equal(arrives, self.input_size):
            verb = "arrives" if arrives == 1 else "arrive"
            message = f"{{layer}} reads {self.input_size} features per step, but {arrives} {verb}"
            note = f"input has inconsistent input_size: got {arrives} expected {self.input_size}"
            raise Refusal("size-mismatch", message, "input_size", note=note)
        return input.like((*shape[:-1], self.hidden_size))

    def require_state(self, state: Tensor, wanted: Shape, what: str = "a hidden state", index: int = 0) -> None:
        """Raise Refusal if a given state has another shape."""
        if state.ndim != len(wanted) or not all(map(assume_equal, state.shape, wanted)):
            problem: KindName = "wrong-rank" if state.ndim != len(wanted) else "size-mismatch"
            one, other = (f"[{', '.join(map(str, shape))}]" for shape in (wanted, state.shape))
            note = ""
            if state.ndim == len(wanted) == 2:
                note = f"Input batch size {wanted[0]} doesn't match hidden{index} batch size {state.shape[0]}"
                if assume_equal(state.shape[0], wanted[0]):
                    note = f"hidden{index} has inconsistent hidden_size: got {state.shape[1]}, expected {wanted[1]}"
            raise Refusal(problem, f"{{layer}} wants {what} of {one}, but {other} arrives", "hx", note=note)

    def expected_inputs(self, input: Tensor, hx: Any = None) -> tuple[Tensor] | None:
        if input.ndim not in (1, 2):
            return None
        return (input.like((*input.shape[:-1], self.input_size), self.parameter_dtype),)

    def macs(self, output: Any, input: Tensor, hx: Any = None) -> Size:
        return product(input.shape[:-1]) * (self.gates * self.hidden_size) * (self.input_size + self.hidden_size)

    def derivation(self, input: Tensor, hx: Any = None) -> tuple[str, ...]:
        return (f"state: {input.shape[-1]} features -> {self.hidden_size}",)


class RNNCell(_Cell):
    """Computes one step of an Elman RNN: the next state is tanh(W x + U h), or its relu.

    input_size: the number of input features.
    hidden_size: the number of features in the hidden state.
    bias: whether to add learnable biases.
    nonlinearity: the activation, 'tanh' or 'relu'.
    input: the input tensor [N, input_size] or [input_size].
    hx: the hidden state [N, hidden_size] or [hidden_size]; zeros by default.
    """

    input_size: Size
    hidden_size: Size
    bias: bool = True
    nonlinearity: str = "tanh"
    device: Device | None = None
    dtype: DType | None = None

    gates = 1
    example = ("RNNCell(10, 20)", "10")

    def check(self) -> None:
        super().check()
        if self.nonlinearity not in ("tanh", "relu"):
            message = f"`nonlinearity` must be 'tanh' or 'relu', not {self.nonlinearity!r}"
            raise Refusal("invalid-argument", message, "nonlinearity")
        if self.nonlinearity == "relu" and is_complex(self.parameter_dtype):
            raise Refusal("invalid-argument", f"RNNCell has no relu of {self.parameter_dtype}", "dtype")

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        state = self.state_of(input)
        if hx is not None:
            self.require_state(hx, state.shape)
            self.require_dtype(hx, "hx")
        return state


class GRUCell(_Cell):
    """Computes one step of a gated recurrent unit.

    input_size: the number of input features.
    hidden_size: the number of features in the hidden state.
    bias: whether to add learnable biases.
    input: the input tensor [N, input_size] or [input_size].
    hx: the hidden state [N, hidden_size] or [hidden_size]; zeros by default.
    """

    input_size: Size
    hidden_size: Size
    bias: bool = True
    device: Device | None = None
    dtype: DType | None = None

    gates = 3
    example = ("GRUCell(10, 20)", "10")

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        state = self.state_of(input)
        if hx is not None:
            self.require_state(hx, state.shape)
            self.require_dtype(hx, "hx")
        return state


class LSTMCell(_Cell):
    """Computes one step of an LSTM and returns (hidden state, cell state).

    input_size: the number of input features.
    hidden_size: the number of features in the hidden state.
    bias: whether to add learnable biases.
    input: the input tensor [N, input_size] or [input_size].
    hx: (h, c), the hidden and cell state, [N, hidden_size] or [hidden_size] each; zeros by default.
    """

    input_size: Size
    hidden_size: Size
    bias: bool = True
    device: Device | None = None
    dtype: DType | None = None

    gates = 4
    returns = "(h_1, c_1)"
    example = ("LSTMCell(10, 20)", "10")

    def forward(self, input: Tensor, hx: Tensors | None = None) -> tuple[Tensor, Tensor]:
        state = self.state_of(input)
        if hx is None:
            return state, state.like()
        if len(hx) < 2 or (len(hx) != 2 and input.ndim == 2):
            message = f"{{layer}} wants a hidden state and a cell as hx, but a tuple of {len(hx)} arrives"
            raise Refusal("wrong-type", message, "hx")
        self.require_state(hx[0], state.shape)
        self.require_dtype(hx[0], "hx")
        self.require_state(hx[1], state.shape, "a cell", 1)
        dtype = promote(state.dtype, hx[1].dtype)
        return state.like(dtype=dtype), state.like(dtype=dtype)
