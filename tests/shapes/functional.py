"""Holds a layer against its functional form: equal shapes, refusals, multiply-accumulates and derivations.

Each case of a layer that is held against torch is held against the function too, with the arguments under which
torch's layer calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnshape.shapes.dtypes import is_complex
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.loss_reduction import chosen
from nnshape.shapes.notices import noticing
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.twins import derivation_of


def check_functional_form(layer: Layer, inputs: tuple, call: dict) -> None:
    """Hold that a layer's functional form gives, refuses, counts and tells what the layer does."""
    function = layer.functional
    if function is None:
        return
    found = arguments_of(layer, inputs, call)
    if found is None:
        return
    arguments, keywords = found
    text = f"{layer!r} and {function.name}(*{arguments}, **{keywords})"
    of_layer = _answer(lambda: layer.apply(inputs, call))
    of_function = _answer(lambda: function.apply(arguments, keywords))
    if isinstance(of_layer, Refusal) or isinstance(of_function, Refusal):
        assert type(of_layer) is type(of_function), f"{text}: {of_layer!r}, {of_function!r}"
        return
    assert of_layer == of_function, f"{text}: {of_layer}, {of_function}"
    macs = layer.macs(of_layer, *inputs, **call), function.macs(of_function, arguments, keywords)
    assert macs[0] == macs[1], f"{text}: {macs} multiply-accumulates"
    lines = layer.derivation(*inputs, **call), derivation_of(function, arguments, keywords)
    assert lines[0] == lines[1], f"{text}: {lines}"


def _answer(apply: Callable[[], Any]) -> Any:
    """What a rule gives, or its refusal in training mode: a layer may only warn of that, a function has the mode."""
    with noticing() as notices:
        try:
            found = apply()
        except Refusal as refusal:
            return refusal
    warned = [notice for notice in notices if notice.problem == "fails-in-training"]
    return Refusal("fails-in-training", warned[0].message) if warned else found


def arguments_of(layer: Layer, inputs: tuple, call: dict) -> tuple[tuple, dict[str, Any]] | None:
    """How the functional form is called to do what the layer does; None where it cannot."""
    own, name = vars(layer), type(layer).__name__
    bound = layer.call_signature().bind(inputs, call)
    values: dict[str, Any] = {**bound, **own, **layer.buffers(), **layer.parameters()}
    given = list(bound)
    values.setdefault("training", True)
    if "BatchNorm" in name and (bound["input"].ndim not in layer.ranks or bound["input"].shape[1:2] == (0,)):  # type: ignore[attr-defined]
        return None  # the layer refuses what the function takes for any rank
    if name.startswith("InstanceNorm") and bound["input"].ndim != layer.dimensions + 2:  # type: ignore[attr-defined]
        return None  # the layer puts a batch in front, or refuses what the function takes for any rank
    match name:
        case "Conv1d" | "Conv2d" | "Conv3d" if own["padding_mode"] != "zeros":
            return None  # pad, and then convolve
        case "ConvTranspose1d" | "ConvTranspose2d" | "ConvTranspose3d" if bound["output_size"] is not None:
            return None  # the layer works out the output_padding
        case "LPPool1d" | "LPPool2d" | "LPPool3d":
            values["norm_type"] = float(own["norm_type"])
        case "Upsample" | "UpsamplingNearest2d" | "UpsamplingBilinear2d":
            values["scale_factor"] = own["scale_factor"] or None  # a factor of 0 counts as none
        case "FractionalMaxPool2d" | "FractionalMaxPool3d" if isinstance(own["output_ratio"], float):
            values["output_ratio"] = (own["output_ratio"],) * layer.dimensions  # type: ignore[attr-defined]
        case "Bilinear" if is_complex(layer.parameter_dtype):
            return None  # the layer refuses parameters that torch cannot train
        case "Hardtanh":
            values["min_val"], values["max_val"] = layer._range()  # type: ignore[attr-defined]
        case "Softmax2d":
            values["dim"] = -3
        case "LinearCrossEntropyLoss":
            outputs = (own["num_classes"], *own["out_features"])
            values["linear_weight"] = Tensor((*outputs, own["in_features"]), layer.parameter_dtype)
            values["linear_bias"] = Tensor(outputs, layer.parameter_dtype) if own["bias"] else None
        case _ if "Pad" in name:
            values |= {"pad": layer._pads(), "mode": layer.mode}  # type: ignore[attr-defined]
        case "LayerNorm" | "RMSNorm":
            values["normalized_shape"] = layer._sizes()  # type: ignore[attr-defined]
        case "Unflatten":
            values["sizes"] = own["unflattened_size"]
        case "BatchNorm1d" | "BatchNorm2d" | "BatchNorm3d" | "SyncBatchNorm":
            values = {"running_mean": None, "running_var": None, **values, "momentum": own["momentum"] or 0.0}
        case "InstanceNorm1d" | "InstanceNorm2d" | "InstanceNorm3d":
            values["use_input_stats"] = True
    if "bias" in own and own["bias"] in (True, False):
        values["bias"] = layer.parameters().get("bias")
    if "reduction" in own:
        values["reduction"] = chosen(own["reduction"], own.get("size_average"), own.get("reduce"))
        values = {key: value for key, value in values.items() if key not in ("size_average", "reduce")}
    assert layer.functional is not None
    signature = layer.functional.signature()
    first = signature.parameters[0].name
    values[first] = bound[given[0]]
    keywords = {p.name: values[p.name] for p in signature.parameters[1:] if p.name in values}
    return (values[first],), keywords
