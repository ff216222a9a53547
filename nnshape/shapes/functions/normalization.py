"""Normalizations: https://pytorch.org/docs/stable/nn.functional.html#normalization-functions.

The layers of the same names share these rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_at_least, assume_divisible, assume_equal
from nnshape.shapes.dims import Dim, Size, at_least
from nnshape.shapes.dtypes import FLOAT32, default_dtype, is_floating
from nnshape.shapes.function import function
from nnshape.shapes.notices import notice
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor, product, shape_text, sizes_text
from nnshape.shapes.windows import torch_shape

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes

#: The half-precision dtypes, which torch also normalizes with float32 parameters.
NARROW = ("float16", "bfloat16")


def require_floats(input: Tensor, parameter_dtype: str | None) -> None:
    """Raise Refusal (wrong-dtype) if torch cannot normalize this dtype with parameters of that one."""
    dtype = input.dtype
    if not is_floating(dtype):
        raise Refusal("wrong-dtype", f"{{layer}} wants floats, but input is {dtype}", "input")
    if (
        parameter_dtype is not None
        and dtype != parameter_dtype
        and not (dtype in NARROW and parameter_dtype == FLOAT32)
    ):
        message = f"{{layer}} computes in {parameter_dtype}, but input is {dtype}"
        wanted = (
            "all inputs must share same datatype."
            if parameter_dtype == FLOAT32
            else "expect parameter to have scalar type of Float"
        )
        raise Refusal("wrong-dtype", message, "input", note=f"mixed dtype (CPU): {wanted}")


def require_channels(input: Tensor, channels: Size, argument: str, note: str) -> None:
    """Raise Refusal (size-mismatch) if the number of channels differs from the layer's; `note` is torch's message."""
    at = 1
    arrive = input.shape[at]
    if arrive == channels if type(arrive) is type(channels) is int else assume_equal(arrive, channels):
        return
    plural = "" if channels == 1 else "s"
    message = (
        f"{{layer}} normalizes {channels} channel{plural}, but {arrive} arrive{'s' if arrive == 1 else ''}{{from}}"
    )
    raise Refusal(
        "size-mismatch", message, argument, note=note, arrived=arrive, wanted=channels, tensor=input, dims=(at,)
    )


def require_values(input: Tensor, always: bool = True) -> None:
    """Raise Refusal if there is one value per channel, which has no variance; give a notice if there may be one.

    Unless it is `always` so, an evaluation takes the stored mean and variance: then one value is a notice too.
    """
    shape = input.shape
    values = product((shape[0], *shape[2:]))
    if type(values) is int:
        if values == 1:
            message = f"{{layer}} fails in training: {torch_shape(input)} has one value per channel"
            note = (
                f"Expected more than 1 value per channel when training, got input size torch.Size({torch_shape(input)})"
            )
            if not always:
                notice("fails-in-training", message, note)
                return
            raise Refusal("empty-output", message, "input", note=note)
    elif values == shape[0] and at_least(values, 2) is not True:
        # With symbolic height and width, a single value is unlikely.
        ones = f"torch.Size([1, {', '.join(map(str, shape[1:]))}])"
        note = f"Expected more than 1 value per channel when training, got input size {ones}"
        notice("fails-in-training", f"{{layer}} fails in training when {values} = 1", note)


def _check_eps(eps: float, training: bool, always: bool = True) -> None:
    """Raise Refusal for an eps that torch refuses; give a notice unless it is `always` so, for 0 in training alone."""
    if isinstance(eps, Dim) or eps > 0 or (eps == 0 and not training):
        return
    note = f"batch_norm eps must be {'positive during training' if training else 'non-negative'}, but got {eps}"
    if eps == 0 and not always:
        notice("fails-in-training", "{layer} fails in training: `eps` is 0", note)
        return
    raise Refusal("invalid-argument", f"`eps` (={eps}) must be positive", "eps", note=note)


def batch_normalized(
    input: Tensor, channels: Size | None, parameter_dtype: str | None, training: bool, eps: float, argument: str,
    always: bool = True, first: str = "running_mean",
) -> Tensor:  # fmt: skip
    """The input, normalized over all dimensions but the channels. Raises Refusal if torch refuses it.

    `always` says that an evaluation takes the mean and variance of the batch, as training does; `first` is the name
    of the parameter or buffer whose size torch checks first.
    """
    if training:
        require_values(input, always)
    _check_eps(eps, training, always)
    if channels is not None:
        note = f"{first} should contain {input.shape[1]} elements not {channels}"
        require_channels(input, channels, argument, note)
    require_floats(input, parameter_dtype)
    return input.like()


def _one_value(input: Tensor, groups: Size) -> str:
    """torch's message for an input with one value per group of channels."""
    sizes = [input.shape[0] * input.shape[1] // groups, groups, *input.shape[2:]]
    return f"Expected more than 1 value per channel when training, got input size [{', '.join(map(str, sizes))}]"


def require_group_channels(input: Tensor, channels: Size, groups: Size) -> None:
    """Raise Refusal (size-mismatch) if the number of channels differs from that of a GroupNorm's parameters."""
    shape = input.shape
    if product((shape[0] * shape[1] // groups, *shape[2:])) == 1:
        note = _one_value(input, groups)
    elif type(shape[1]) is type(groups) is int and shape[1] % groups:
        note = _undivided(input, groups)
    else:
        note = (
            "Expected weight to be a vector of size equal to the number of channels in input, but got weight of shape "
            f"[{channels}] and input of shape {torch_shape(input)}"
        )
    require_channels(input, channels, "num_channels", note)


def _undivided(input: Tensor, groups: Size) -> str:
    return (
        "Expected number of channels in input to be divisible by num_groups, but got input of shape "
        f"{torch_shape(input)} and num_groups={groups}"
    )


def group_normalized(input: Tensor, groups: Size, parameter_dtype: str | None) -> Tensor:
    """The input, normalized over each group of channels. Raises Refusal if torch refuses it."""
    shape = input.shape
    if len(shape) < 2:
        note = f"Expected at least 2 dimensions for input tensor but received {len(shape)}"
        message = f"{{layer}} wants [N, C, ...], but {shape_text(shape) if shape else 'a single number'} arrives"
        raise Refusal("wrong-rank", message, "input", note=note)
    if not assume_divisible(shape[1], groups):
        message = f"{{layer}} makes {groups} groups, but {shape[1]} channels arrive"
        values = product((shape[0] * shape[1] // groups, *shape[2:]))
        note = _one_value(input, groups) if values == 1 else _undivided(input, groups)
        raise Refusal("not-divisible", message, "num_groups", note=note, division=(shape[1], groups))
    values = product((shape[0] * shape[1] // groups, *shape[2:]))
    if values == 1 if type(values) is int else not assume_at_least(values, 2):
        message = f"{{layer}} cannot normalize one value per group: {torch_shape(input)} arrives"
        raise Refusal("empty-output", message, "input", note=_one_value(input, groups))
    require_floats(input, parameter_dtype)
    return input.like()


def normalized_sizes(owner: str, normalized_shape: object) -> tuple[Size, ...]:
    """The trailing sizes to normalize over. Raises Refusal (invalid-argument) if there are none."""
    sizes = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    if not sizes:
        note = (
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, "
            "but got normalized_shape = []"
        )
        raise Refusal(
            "invalid-argument", f"{owner} wants one size or more as normalized_shape", "normalized_shape", note=note
        )
    return sizes


def require_trailing(input: Tensor, sizes: Sequence[Size], note: str = "") -> None:
    """Raise Refusal if the input does not end in the sizes to normalize over; `note` is torch's message, if its own."""
    shape = input.shape
    arrive = shape[len(shape) - len(sizes) :] if len(shape) >= len(sizes) else ()
    if arrive and all(
        a == b if type(a) is type(b) is int else assume_equal(a, b) for a, b in zip(arrive, sizes, strict=True)
    ):
        return
    listed = ", ".join(map(str, sizes))
    note = note or (
        f"Given normalized_shape=[{listed}], expected input with shape [*, {listed}], "
        f"but got input of size{torch_shape(input)}"
    )
    wanted = "the last" if len(sizes) == 1 else f"the last {len(sizes)} dimensions,"
    if not arrive:
        what = shape_text(shape) if shape else "a single number"
        raise Refusal(
            "wrong-rank", f"{{layer}} normalizes {wanted} {sizes_text(sizes)}, but {what} arrives", "input", note=note
        )
    arrives = f"{arrive[0]} arrive" if len(sizes) == 1 else f"{sizes_text(arrive)} arrives"
    message = f"{{layer}} normalizes {wanted} {sizes_text(sizes)}, but {arrives}"
    raise Refusal(
        "size-mismatch",
        message,
        "normalized_shape",
        note=note,
        arrived=sizes_text(arrive) if len(sizes) > 1 else arrive[0],
        wanted=sizes_text(sizes) if len(sizes) > 1 else sizes[0], tensor=input, dims=tuple(range(-len(sizes), 0)),
    )  # fmt: skip


def layer_normalized(input: Tensor, sizes: Sequence[Size], parameter_dtype: str | None) -> Tensor:
    """The input, normalized over its trailing dimensions. Raises Refusal if torch refuses it."""
    require_trailing(input, sizes)
    require_floats(input, parameter_dtype)
    return input.like()


def rms_normalized(input: Tensor, sizes: Sequence[Size]) -> Tensor:
    """The input divided by the root mean square of its trailing dimensions. Raises Refusal if torch refuses it."""
    listed = ", ".join(map(str, sizes))
    if len(input.shape) < len(sizes):
        note = f"Input tensor must have at least {len(sizes)} dimensions, but got {len(input.shape)}"
    else:  # torch forgets the comma
        note = (
            f"Given normalized_shape=[{listed}], expected input with shape [*{listed}], "
            f"but got input of size{torch_shape(input)}"
        )
    require_trailing(input, sizes, note)
    if not is_floating(input.dtype) and input.dtype not in ("complex64", "complex128"):
        raise Refusal("wrong-dtype", f"{{layer}} wants floats, but input is {input.dtype}", "input")
    return input.like()


def instance_normalized(
    input: Tensor, channels: Size | None, parameter_dtype: str | None, own: bool, argument: str, note: str = ""
) -> Tensor:
    """A batched input, normalized over each sample's spatial dimensions. Raises Refusal if torch refuses it.

    `note` is torch's message for another number of channels.
    """
    if channels is not None:
        require_channels(input, channels, argument, note)
    require_floats(input, parameter_dtype)
    if parameter_dtype is not None and 0 in input.shape[:2]:
        message = f"{{layer}} wants a sample and a channel or more, but {torch_shape(input)} arrives"
        raise Refusal("empty-output", message, "input")
    values = product(input.shape[2:])
    if own and (values == 1 if type(values) is int else not assume_at_least(values, 2)):
        message = f"{{layer}} cannot normalize one value per channel: {torch_shape(input)} arrives"
        note = f"Expected more than 1 spatial element when training, got input size torch.Size({torch_shape(input)})"
        raise Refusal("empty-output", message, "input", note=note)
    return input.like()


def locally_normalized(input: Tensor, size: Size) -> Tensor:
    """The input, normalized over neighboring channels. Raises Refusal if torch refuses it."""
    shape = input.shape
    if len(shape) < 3:
        what = shape_text(shape) if shape else "a single number"
        note = f"Expected 3D or higher dimensionality input (got {len(shape)} dimensions)"
        raise Refusal(
            "wrong-rank", f"{{layer}} wants [N, C, L] or more dimensions, but {what} arrives", "input", note=note
        )
    if 0 in shape:
        return input.like()
    if not assume_at_least(size, 1):
        raise Refusal("invalid-argument", f"{{layer}} wants size of 1 or more, not {size}", "size")
    narrow = input.dtype in NARROW and len(shape) > 3
    if narrow or (not is_floating(input.dtype) and input.dtype != "int64"):
        raise Refusal("wrong-dtype", f"{{layer}} has no rule for {input.dtype}, the dtype of input", "input")
    return input.like(dtype=default_dtype()) if input.dtype == "int64" else input.like()


def _dtype_of(tensors: Sequence[tuple[str, Tensor | None]]) -> str | None:
    """The common dtype of these parameters; None if there are none."""
    given = [(name, tensor) for name, tensor in tensors if tensor is not None]
    for name, tensor in given:
        first, dtype = given[0][0], given[0][1].dtype
        if tensor.dtype != dtype:
            message = f"{{layer}} wants parameters of one dtype, but {first} is {dtype} and {name} {tensor.dtype}"
            raise Refusal("wrong-dtype", message, name)
    return given[0][1].dtype if given else None


def _require_vectors(tensors: Sequence[tuple[str, Tensor | None]], channels: Size, letters: str = "channels") -> None:
    for name, tensor in tensors:
        if tensor is not None and (tensor.ndim != 1 or not assume_equal(tensor.shape[0], channels)):
            message = f"{{layer}} normalizes {channels} {letters}, but {name} is {torch_shape(tensor)}"
            raise Refusal("size-mismatch", message, name)


@function(example=("batch_norm(x, running_mean, running_var)", "6x28x28", "[6]", "[6]"))
def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-05,
) -> Tensor:  # fmt: skip
    """Normalizes each channel over the batch."""
    if training:
        _check_rank(input)
        require_values(input)
    _check_eps(eps, training)
    _check_rank(input)
    statistics = (("running_mean", running_mean), ("running_var", running_var))
    for name, tensor in statistics:
        if tensor is None and (not training or (running_mean is None) != (running_var is None)):
            raise Refusal("missing-argument", f"{{layer}} wants {name}, since it is not training", name)
    tensors = (*statistics, ("weight", weight), ("bias", bias))
    _require_vectors(tensors, input.shape[1])
    return batch_normalized(input, None, _dtype_of(tensors), training, eps, "running_mean")


def _check_rank(input: Tensor) -> None:
    if len(input.shape) < 2:
        what = shape_text(input.shape) if input.shape else "a single number"
        raise Refusal("wrong-rank", f"{{layer}} wants [N, C, ...], but {what} arrives", "input")


@function(example=("layer_norm((768,))", "128x768"))
def layer_norm(
    input: Tensor, normalized_shape: Sizes, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05
) -> Tensor:
    """Normalizes each sample over its trailing dimensions."""
    with in_other_words(len({tensor.dtype for tensor in (input, weight, bias) if tensor is not None}) > 1):
        sizes = _trailing(normalized_shape)
    for name, tensor in (("weight", weight), ("bias", bias)):
        _require_alike(tensor, sizes, name)
    return layer_normalized(input, sizes, _dtype_of((("weight", weight), ("bias", bias))))


def _trailing(normalized_shape: object) -> tuple[Size, ...]:
    if not isinstance(normalized_shape, (tuple, list)):
        message = f"{{layer}} takes a tuple of sizes as normalized_shape, not {described(normalized_shape)}"
        raise Refusal("wrong-type", message, "normalized_shape")
    return normalized_sizes("{layer}", normalized_shape)


def _require_alike(tensor: Tensor | None, sizes: Sequence[Size], name: str) -> None:
    if tensor is not None and (len(tensor.shape) != len(sizes) or not all(map(assume_equal, tensor.shape, sizes))):
        message = f"{{layer}} normalizes {sizes_text(sizes)}, but {name} is {torch_shape(tensor)}"
        raise Refusal("size-mismatch", message, name)


@function(example=("rms_norm((768,))", "128x768"))
def rms_norm(input: Tensor, normalized_shape: Sizes, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Divides each sample by the root mean square of its trailing dimensions."""
    sizes = _trailing(normalized_shape)
    _require_alike(weight, sizes, "weight")
    return rms_normalized(input, sizes)


@function(example=("group_norm(3)", "6x28x28"))
def group_norm(
    input: Tensor, num_groups: Size, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05
) -> Tensor:
    """Normalizes each sample over groups of channels."""
    if not assume_at_least(num_groups, 1):
        raise Refusal("invalid-argument", f"{{layer}} wants num_groups of 1 or more, not {num_groups}", "num_groups")
    tensors = (("weight", weight), ("bias", bias))
    if len(input.shape) > 1:
        _require_vectors(tensors, input.shape[1])
    return group_normalized(input, num_groups, _dtype_of(tensors))


@function(example=("instance_norm()", "6x28x28"))
def instance_norm(
    input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None,
    bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-05,
) -> Tensor:  # fmt: skip
    """Normalizes each channel of each sample over its spatial dimensions.

    use_input_stats: whether to use the input's own mean and variance instead of the running ones.
    """
    _check_rank(input)
    statistics = (("running_mean", running_mean), ("running_var", running_var))
    for name, tensor in statistics:
        if tensor is None and (not use_input_stats or (running_mean is None) != (running_var is None)):
            raise Refusal("missing-argument", f"{{layer}} wants {name} with use_input_stats=False", name)
    tensors = (*statistics, ("weight", weight), ("bias", bias))
    _require_vectors(tensors, input.shape[1])
    _dtype_of(statistics)
    dtype = _dtype_of((("weight", weight), ("bias", bias)))
    if running_mean is not None and weight is None and bias is not None and bias.dtype != input.dtype:
        message = f"{{layer}} wants a bias of {input.dtype} next to running means, but it is {bias.dtype}"
        raise Refusal("wrong-dtype", message, "bias")
    return instance_normalized(input, None, dtype, use_input_stats, "running_mean")


@function(example=("local_response_norm(5)", "64x27x27"))
def local_response_norm(input: Tensor, size: Size, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divides each value by a norm over the neighboring channels at the same position."""
    return locally_normalized(input, size)
