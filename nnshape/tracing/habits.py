"""Names that people write from habit: of Python, of other libraries, or of another place in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.tracing.faults import Fault, fault
from nnshape.tracing.scope import BlockBody

if TYPE_CHECKING:
    from nnshape.spec import Span
    from nnshape.tracing.scope import Frame

_CONSTANTS = {"false": "False", "true": "True", "none": "None", "null": "None"}
#: Layers of Keras, and what to write for each.
_KERAS = {
    "Dense": "Linear(in_features, out_features)",
    "Conv1D": "Conv1d(in_channels, out_channels, kernel_size)",
    "Activation": "the activation itself, such as ReLU()",
    "BatchNormalization": "BatchNorm2d(num_features)",
    "LayerNormalization": "LayerNorm(normalized_shape)",
    "MaxPooling1D": "MaxPool1d(kernel_size)",
    "MaxPooling2D": "MaxPool2d(kernel_size)",
    "MaxPooling2d": "MaxPool2d(kernel_size)",
    "AveragePooling2D": "AvgPool2d(kernel_size)",
    "GlobalAveragePooling2D": "AdaptiveAvgPool2d(1) and Flatten()",
    "GlobalMaxPooling2D": "AdaptiveMaxPool2d(1) and Flatten()",
    "UpSampling2D": "Upsample(scale_factor=2)",
    "Concatenate": "cat([a, b], 1)",
    "Add": "a + b",
    "Reshape": "view(N, …)",
    "Permute": "permute(0, …)",
}
_EINOPS = ("rearrange", "reduce", "Rearrange", "Reduce")


def habit(frame: Frame, name: str, span: Span) -> Fault | None:
    """The fault of an unknown name that people write from habit; None for any other name."""
    if name == "self":
        help = ("write the name alone: conv1(x)",)
        return fault("unknown-name", "a spec has no self: its steps are called by their names", span, help=help)
    if name in _CONSTANTS:
        meant = _CONSTANTS[name]
        message = f"{name} is written {meant} here, as in Python"
        return fault("unknown-name", message, span, help=(f"write {meant}",), instead=(meant,))
    if name in _KERAS:
        message = f"{name} is a layer of Keras, not of torch"
        return fault("unknown-layer", message, span, help=(f"write {_KERAS[name]}",))
    if name in _EINOPS:
        message = f"{name} is a function of einops, not of torch"
        return fault("unknown-name", message, span, help=("write permute, flatten, unflatten or mean",))
    return _elsewhere(frame, name, span)


def _elsewhere(frame: Frame, name: str, span: Span) -> Fault | None:
    """The fault of the name of a step that is made later, or outside of the block."""
    while frame.outer is not None:
        frame = frame.outer
    body = frame.module.body
    block = body.definition.block if isinstance(body, BlockBody) else None
    own = block.body.steps if block is not None else frame.file.spec.body.steps
    for step in own:
        if step.name == name and step.name_span.start > span.start:
            message = f"{name} is made later, at line {step.name_span.line}"
            return fault("unknown-name", message, span, help=("move its step above this one",))
    if block is not None and any(step.name == name for step in frame.file.spec.body.steps):
        message = f"the block {block.name} does not see the model's step {name}"
        help = (f"give it to the block as an input: {block.name}(…)(x, {name}):",)
        return fault("unknown-name", message, span, help=help)
    return None
