"""Recurrent layers: https://pytorch.org/docs/stable/nn.html#recurrent-layers. Single steps are in `cell`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.shapes.constraints import assume_at_least, assume_equal
from nnshape.shapes.dims import Size, at_least
from nnshape.shapes.dtypes import DType, is_complex
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.packed import PackedSequence
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Shape, Tensor
from nnshape.shapes.values import number, require_few

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Tensors


class _Recurrent(Layer):
    """A stack of recurrent layers in one or both directions."""

    if TYPE_CHECKING:
        input_size: Size
        hidden_size: Size
        num_layers: int
        bias: bool
        batch_first: bool
        dropout: float
        bidirectional: bool

    #: The number of gates, each a linear map of the input and of the hidden state.
    gates: ClassVar[int]
    auto = {"input_size": (0, -1)}

    def check(self) -> None:
        name = type(self).__name__
        for field in ("bias", "batch_first", "bidirectional"):
            if type(vars(self)[field]) is not bool:
                message = f"{name} takes True or False as {field}, not {vars(self)[field]}"
                raise Refusal("invalid-argument", message, field)
        if isinstance(self.dropout, bool) or not 0 <= number(self.dropout, "dropout") <= 1:
            message = f"`dropout` (={self.dropout}) must be a share from 0 to 1"
            raise Refusal("invalid-argument", message, "dropout")
        number(self.num_layers, "num_layers")
        for field in ("input_size", "hidden_size", "num_layers"):
            value = vars(self)[field]
            if not assume_at_least(value, 1):
                note = f"{field} must be greater than zero"
                raise Refusal("invalid-argument", f"{name} wants {field} of 1 or more, not {value}", field, note=note)
        require_few(self.num_layers, "num_layers")
        self.require_learnable()
        if self.parameter_dtype == "complex32":
            raise Refusal("invalid-argument", f"{name} cannot compute in complex32", "dtype")

    @property
    def directions(self) -> int:
        """The number of directions: 2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def projection(self) -> Size | None:
        """The projected size of the hidden state, or None without a projection."""
        return None

    @property
    def state_size(self) -> Size:
        """The size of the hidden state that each step and each layer passes on."""
        return self.hidden_size if self.projection is None else self.projection

    def parameters(self) -> dict[str, Tensor]:
        dtype, rows, state = self.parameter_dtype, self.gates * self.hidden_size, self.state_size
        found = {}
        columns = self.input_size
        for layer in range(self.num_layers):
            for suffix in ("", "_reverse")[: self.directions]:
                end = f"l{layer}{suffix}"
                found[f"weight_ih_{end}"] = Tensor((rows, columns), dtype)
                found[f"weight_hh_{end}"] = Tensor((rows, state), dtype)
                if self.bias:
                    found[f"bias_ih_{end}"] = Tensor((rows,), dtype)
                    found[f"bias_hh_{end}"] = Tensor((rows,), dtype)
                if self.projection is not None:
                    found[f"weight_hr_{end}"] = Tensor((state, self.hidden_size), dtype)
            columns = state * self.directions
        return found

    def run(self, input: Tensor | PackedSequence) -> tuple[Any, Shape]:
        """The output for a sequence, and a state's shape without its last dimension."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input)
        shape = input.shape
        if len(shape) not in (2, 3):
            wanted = "[N, T, features]" if self.batch_first else "[T, N, features]"
            message = f"{{layer}} wants {wanted}, or [T, features] without a batch, but {input} arrives"
            word = "D tensor" if isinstance(self, RNN) else "D"
            note = f"{type(self).__name__}: Expected input to be 2D or 3D, got {len(shape)}{word} instead"
            raise Refusal("wrong-rank", message, "input", note=note)
        self.require_dtype(input, note=self._dtype_note(input))
        arrives = shape[-1]
        if not assume_equal(arrives, self.input_size):
            verb = "arrives" if arrives == 1 else "arrive"
            message = f"{{layer}} reads {self.input_size} features per step, but {arrives} {verb}"
            note = f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {arrives}"
            raise Refusal(
                "size-mismatch", message, "input_size", note=note,
                arrived=arrives, wanted=self.input_size, tensor=input, dims=(-1,),
            )  # fmt: skip
        batched = len(shape) == 3
        batch = () if not batched else (shape[0],) if self.batch_first else (shape[1],)
        if self.num_layers > 1 and 0 < self.dropout < 1 and is_complex(input.dtype) and 0 not in shape:
            raise Refusal("wrong-dtype", f"{{layer}} cannot drop {input.dtype} features", "dropout")
        output = Tensor((*shape[:-1], self.state_size * self.directions), input.dtype)
        return output, (self.num_layers * self.directions, *batch)

    def _dtype_note(self, input: Tensor) -> str:
        dtype = self.parameter_dtype
        return (
            f"RNN input dtype (torch.{input.dtype}) does not match weight dtype (torch.{dtype}). "
            f"Convert input: input.to(torch.{dtype}), or convert model: model.to(torch.{input.dtype})"
        )

    def _run_packed(self, input: PackedSequence) -> tuple[PackedSequence, Shape]:
        """The same for a packed sequence."""
        data = input.data
        self.require_dtype(data, note="" if isinstance(self, LSTM) else self._dtype_note(data))
        if data.ndim != 2:
            message = f"{{layer}} wants a packed sequence of [packed, features], but {data} arrives"
            note = "" if isinstance(self, LSTM) else f"input must have 2 dimensions, got {data.ndim}"
            raise Refusal("wrong-rank", message, "input", note=note)
        if input.batch is None:
            raise Refusal("unknown-value", "{layer} does not know how many sequences were packed", "input")
        arrives = data.shape[-1]
        if not assume_equal(arrives, self.input_size):
            verb = "arrives" if arrives == 1 else "arrive"
            message = f"{{layer}} reads {self.input_size} features per step, but {arrives} {verb}"
            note = f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {arrives}"
            if isinstance(self, LSTM):  # it has no check of its own
                weight = f"{self.input_size}x{self.gates * self.hidden_size}"
                note = f"mat1 and mat2 shapes cannot be multiplied ({data.shape[0]}x{arrives} and {weight})"
            raise Refusal(
                "size-mismatch", message, "input_size", note=note,
                arrived=arrives, wanted=self.input_size, tensor=data, dims=(-1,),
            )  # fmt: skip
        output = data.like((data.shape[0], self.state_size * self.directions))
        return input.with_data(output), (self.num_layers * self.directions, input.batch)

    def require_steps(self, input: Tensor | PackedSequence) -> None:
        """Raise Refusal if a sequence has no steps; torch looks at the states first."""
        if isinstance(input, PackedSequence):
            return
        steps = input.shape[1] if input.ndim == 3 and self.batch_first else input.shape[0]
        if not assume_at_least(steps, 1):
            note = "Expected sequence length to be larger than 0 in RNN"
            raise Refusal("empty-output", f"{{layer}} has no step to read: {input} arrives", "input", note=note)

    def require_state(self, state: Tensor, wanted: Shape, what: str, index: str = "", ranks: str = "") -> None:
        """Raise Refusal if a given state has another shape or dtype; `ranks` is torch's message for other ranks."""
        if state.ndim != len(wanted):
            message = f"{{layer}} wants {what} of {_bracketed(wanted)}, but {_bracketed(state.shape)} arrives"
            batched = "batched 3-D" if len(wanted) == 3 else "unbatched 2-D"
            note = ranks or f"For {batched} input, hx should also be {len(wanted)}-D but got {state.ndim}-D tensor"
            raise Refusal("wrong-rank", message, "hx", note=note)
        if not all(map(assume_equal, state.shape, wanted)):
            parts = "layers x directions, batch, size" if len(wanted) == 3 else "layers x directions, size"
            message = f"{{layer}} wants {what} of {_bracketed(wanted)} ({parts}), but {_bracketed(state.shape)} arrives"
            note = f"Expected hidden{index} size {_tuple(wanted)}, got {_bracketed(state.shape)}"
            raise Refusal("size-mismatch", message, "hx", note=note)
        self.require_dtype(state, "hx")

    def expected_inputs(self, input: Tensor | PackedSequence, hx: Any = None) -> tuple[Any] | None:
        if isinstance(input, PackedSequence):
            data = input.data.like((input.data.shape[0], self.input_size), self.parameter_dtype)
            return (input.with_data(data),)
        if input.ndim not in (2, 3):
            return None
        return (input.like((*input.shape[:-1], self.input_size), self.parameter_dtype),)

    def macs(self, output: Any, input: Tensor | PackedSequence, hx: Any = None) -> Size:
        rows, state = self.gates * self.hidden_size, self.state_size
        projected = 0 if self.projection is None else self.hidden_size * state
        a_step: Size = 0
        columns = self.input_size
        for _ in range(self.num_layers):
            a_step = a_step + (rows * (columns + state) + projected) * self.directions
            columns = state * self.directions
        steps: Size = 1
        for size in (input.data if isinstance(input, PackedSequence) else input).shape[:-1]:
            steps = steps * size
        return steps * a_step

    def derivation(self, input: Tensor | PackedSequence, hx: Any = None) -> tuple[str, ...]:
        features = self.state_size * self.directions
        directions = f"{self.directions} direction{'s' if self.directions > 1 else ''}"
        return (
            f"output features: {directions} * {self.state_size} = {features}",
            f"states: {self.num_layers} layer{'s' if self.num_layers > 1 else ''} * {directions}"
            f" = {self.num_layers * self.directions}",
        )


def _bracketed(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _tuple(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"


class _OneState(_Recurrent):
    """A recurrent layer with a hidden state and no cell."""

    returns = "(output, h_n)"

    def forward(self, input: Tensor | PackedSequence, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        output, places = self.run(input)
        state = (*places, self.hidden_size)
        if hx is not None:
            with in_other_words(isinstance(input, PackedSequence)):
                self.require_state(hx, state, "a hidden state")
        self.require_steps(input)
        return output, Tensor(state, self.parameter_dtype)


class RNN(_OneState):
    """Applies a multi-layer Elman RNN, with state tanh(W x + U h) or its relu, and returns (output, h_n).

    `output` is the last layer's state at each step, [N, T, D*H]; `h_n` is each layer's final state, [D*layers, N, H].

    input_size: the number of input features per step.
    hidden_size: the number of features in the hidden state.
    num_layers: the number of stacked layers.
    nonlinearity: the activation, 'tanh' or 'relu'.
    bias: whether to add learnable biases.
    batch_first: whether input and output are [N, T, features] instead of [T, N, features].
    dropout: the dropout probability between layers in training.
    bidirectional: whether to read the sequence in both directions.
    input: the input sequence [T, N, input_size], [N, T, input_size] with batch_first, [T, input_size], or packed.
    hx: the initial hidden state [D * num_layers, N, hidden_size], D the number of directions; zeros by default.
    """

    input_size: Size
    hidden_size: Size
    num_layers: int = 1
    nonlinearity: str = "tanh"
    bias: bool = True
    batch_first: bool = False
    dropout: float = 0.0
    bidirectional: bool = False
    device: Device | None = None
    dtype: DType | None = None

    gates = 1
    example = ("RNN(10, 20, 2)", "[T, N, 10]")

    def check(self) -> None:
        if self.nonlinearity not in ("tanh", "relu"):
            message = f"`nonlinearity` must be 'tanh' or 'relu', not {self.nonlinearity!r}"
            raise Refusal("invalid-argument", message, "nonlinearity")
        super().check()
        if self.nonlinearity == "relu" and self.parameter_dtype.startswith("complex"):
            raise Refusal("invalid-argument", f"RNN has no relu of {self.parameter_dtype}", "dtype")


class GRU(_OneState):
    """Applies a multi-layer gated recurrent unit to a sequence and returns (output, h_n).

    `output` is the last layer's state at each step, [N, T, D*H]; `h_n` is each layer's final state, [D*layers, N, H].

    input_size: the number of input features per step.
    hidden_size: the number of features in the hidden state.
    num_layers: the number of stacked layers.
    bias: whether to add learnable biases.
    batch_first: whether input and output are [N, T, features] instead of [T, N, features].
    dropout: the dropout probability between layers in training.
    bidirectional: whether to read the sequence in both directions.
    input: the input sequence [T, N, input_size], [N, T, input_size] with batch_first, [T, input_size], or packed.
    hx: the initial hidden state [D * num_layers, N, hidden_size], D the number of directions; zeros by default.
    """

    input_size: Size
    hidden_size: Size
    num_layers: int = 1
    bias: bool = True
    batch_first: bool = False
    dropout: float = 0.0
    bidirectional: bool = False
    device: Device | None = None
    dtype: DType | None = None

    gates = 3
    example = ("GRU(10, 20, batch_first=True)", "[N, T, 10]")


class LSTM(_Recurrent):
    """Applies a multi-layer LSTM to a sequence and returns (output, (h_n, c_n)).

    `output` is the last layer's state at each step, [N, T, D*H]; `h_n` and `c_n` are each layer's final states.

    input_size: the number of input features per step.
    hidden_size: the number of features in the hidden state.
    num_layers: the number of stacked layers.
    bias: whether to add learnable biases.
    batch_first: whether input and output are [N, T, features] instead of [T, N, features].
    dropout: the dropout probability between layers in training.
    bidirectional: whether to read the sequence in both directions.
    proj_size: the projected size of the hidden state; 0 for no projection.
    input: the input sequence [T, N, input_size], [N, T, input_size] with batch_first, [T, input_size], or packed.
    hx: (h_0, c_0), the initial hidden and cell state [D * num_layers, N, features] of D directions; zeros by default.
    """

    input_size: Size
    hidden_size: Size
    num_layers: int = 1
    bias: bool = True
    batch_first: bool = False
    dropout: float = 0.0
    bidirectional: bool = False
    proj_size: Size = 0
    device: Device | None = None
    dtype: DType | None = None

    gates = 4
    returns = "(output, (h_n, c_n))"
    example = ("LSTM(10, 20, batch_first=True)", "[N, T, 10]")

    def check(self) -> None:
        if not assume_at_least(self.proj_size, 0):
            message = f"LSTM wants proj_size of 0 or more, not {self.proj_size}"
            raise Refusal("invalid-argument", message, "proj_size")
        if not assume_at_least(self.hidden_size, self.proj_size + 1):
            message = f"`proj_size` (={self.proj_size}) must be smaller than `hidden_size` (={self.hidden_size})"
            raise Refusal("invalid-argument", message, "proj_size")
        super().check()
        if at_least(self.proj_size, 1) is None:
            number(self.proj_size, "proj_size")

    @property
    def projection(self) -> Size | None:
        return None if self.proj_size == 0 else self.proj_size

    def forward(self, input: Tensor | PackedSequence, hx: Tensors | None = None) -> tuple[Any, tuple[Tensor, Tensor]]:
        output, places = self.run(input)
        hidden, cell = (*places, self.state_size), (*places, self.hidden_size)
        if hx is not None:
            with in_other_words(isinstance(input, PackedSequence)):
                self._require_states(hx, hidden, cell)
        self.require_steps(input)
        dtype = self.parameter_dtype
        return output, (Tensor(hidden, dtype), Tensor(cell, dtype))

    def _require_states(self, hx: Tensors, hidden: Shape, cell: Shape) -> None:
        rank = len(hidden)
        if len(hx) < 2 or (len(hx) != 2 and rank == 3):
            message = f"{{layer}} wants a hidden state and a cell as hx, but a tuple of {len(hx)} arrives"
            note = "lstm expects two hidden states" if len(hx) > 2 else ""
            raise Refusal("wrong-type", message, "hx", note=note)
        batched = "batched 3-D" if rank == 3 else "unbatched 2-D"
        ranks = (
            f"For {batched} input, hx and cx should also be {rank}-D but got ({hx[0].ndim}-D, {hx[1].ndim}-D) tensors"
        )
        if hx[1].ndim != rank:
            self.require_state(hx[1], cell, "a cell", "[1]", ranks)
        self.require_state(hx[0], hidden, "a hidden state", "[0]", ranks)
        self.require_state(hx[1], cell, "a cell", "[1]")
