"""Constructs and applies the layers of `torch.nn`. Layers are immutable and rules pure, so both are cached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.shapes.dims import Dim, Size, TooLarge
from nnshape.shapes.dtypes import FLOAT32, default_dtype
from nnshape.shapes.function import Function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.results import check_macs, check_parameters
from nnshape.shapes.tensor import UNKNOWN, N, Tensor, product, tensors_in
from nnshape.spec import nodes
from nnshape.spec.limits import DIMENSIONS
from nnshape.tracing import samples
from nnshape.tracing.batch_reports import judge_batch
from nnshape.tracing.continuing import after_layer, keep_sizes, keeps, report_refusal
from nnshape.tracing.dtype_arguments import with_dtypes
from nnshape.tracing.faults import fault
from nnshape.tracing.model import Declared, Module, Operation, produced
from nnshape.tracing.rule_refusals import located_refusal, report_notices
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.scope import Frame
from nnshape.tracing.value_display import holds_unknown
from nnshape.work import PARAMETER, RULE, budget, spend

#: The most elements of a tensor: at 8 bytes each, its size in bytes stays below 2**63.
MAX_ELEMENTS = 2**60
#: The most entries of each cache; models have far fewer distinct layers.
_CACHE_SIZE = 20_000
_PLAIN = frozenset({int, bool, float, str, type(None)})
_SYMBOLIC = frozenset({Dim, tuple, list})
_layers: dict[tuple[Any, ...], Layer] = {}
#: The output of a layer for a shape, its MACs, and the work that they took. A cached answer spends the same work as a
#: new one, so that the limit does not depend on the models traced before.
_Answer = tuple[Tensor, Size, int]
_answers: dict[tuple[Any, ...], _Answer] = {}


def make_layer(
    frame: Frame, node: nodes.Call, kind: type[Layer], arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Module:
    """Construct a layer as a module that is not registered yet. If refused, report it; the module then has no layer."""
    module = Module(kind.__name__, (frame.expression, node))
    if holds_unknown(arguments) or (keywords and holds_unknown(keywords)):
        frame.call.mark_partial()
        return module
    if str in map(type, arguments) or str in map(type, keywords.values()):
        arguments, keywords = with_dtypes(kind.signature(), arguments, keywords)
    try:
        module.layer = _constructed(
            kind,
            tuple(map(constructor_argument, arguments)),
            {key: _unquoted(key, constructor_argument(value)) for key, value in keywords.items()},
        )
    except Refusal as refusal:
        refusal = _without_quotes(kind, arguments, keywords, refusal)
        frame.tracer.report(located_refusal(frame, node, refusal, arguments, kind.signature()).problem)
        frame.call.mark_partial()
    except TooLarge as error:
        raise fault("too-large", str(error), module.span) from None
    return module


def _unquoted(name: str, value: Any) -> Any:
    """Return the word for a function where print(model) shows the word without quotes: `nonlinearity=relu`."""
    return value.name if name == "nonlinearity" and isinstance(value, Function) else value


def _without_quotes(
    kind: type[Layer], arguments: tuple[Any, ...], keywords: dict[str, Any], refusal: Refusal
) -> Refusal:
    """Return a better refusal if a string lacks its quotes and is also the name of a function: `padding=full`."""
    parameter = kind.signature().by_name.get(refusal.argument or "")
    if refusal.problem != "wrong-type" or parameter is None or "str" not in parameter.kinds:
        return refusal
    names = [item.name for item in kind.signature().positional]
    place = names.index(parameter.name) if parameter.name in names else len(arguments)
    meant = keywords.get(parameter.name, arguments[place] if place < len(arguments) else None)
    if not isinstance(meant, Function):
        return refusal
    quoted = {**dict(zip(names, arguments, strict=False)), **keywords, parameter.name: meant.name}
    try:
        _constructed(kind, (), {name: constructor_argument(value) for name, value in quoted.items()})
    except Refusal as again:
        return again
    help = f"put text in quotes: {parameter.name}='{meant.name}'"
    return Refusal(refusal.problem, refusal.message, refusal.argument, help=help)


def constructor_argument(value: Any) -> Any:
    """Convert an argument for a layer's constructor: a number without its derivation, a new module as its layer."""
    if isinstance(value, Module):
        bare = value.layer is not None and value.path is None and not value.parametrizations
        return value.layer if bare else value
    return plain(value)


def _constructed(kind: type[Layer], arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Layer:
    values = (*arguments, *keywords.values())
    types = tuple(map(type, values))
    if not _PLAIN.issuperset(types):
        return kind(*arguments, **keywords)
    # The types are part of the key: 1 == 1.0 == True, but torch tells them apart.
    key = (kind, types, arguments, *keywords.items())
    layer = _layers.get(key)
    if layer is None:
        if len(_layers) >= _CACHE_SIZE:
            _layers.clear()
        layer = _layers[key] = kind(*arguments, **keywords)
    return layer


def check_dimensions(frame: Frame, node: nodes.Node, result: Any) -> None:
    """Raise Fault if a tensor of the result has too many dimensions."""
    if type(result) is Tensor and len(result.shape) <= DIMENSIONS:
        return
    for tensor in tensors_in(result):
        if len(tensor.shape) > DIMENSIONS:
            message = f"this makes a tensor of {len(tensor.shape):,} dimensions; the limit is {DIMENSIONS}"
            raise fault("too-large", message, frame.expression.span(node))


def materialize(frame: Frame, module: Module, arguments: tuple[Any, ...] = ()) -> None:
    """Add the parameters and buffers of a new module to the model, and count them in the current step. Raises Fault.

    `arguments` are what the module is applied to, for a message.
    """
    if module.layer is not None:
        parameters, buffers = module.layer.parameters(), module.layer.buffers()
        check_parameters(module.type, parameters)
        check_parameters(module.type, buffers)
        if module.parametrizations:
            _parametrize(frame, module)
        else:
            module.parameters, module.buffers = parameters, buffers
    module.materialized = True
    module.may_be_frozen = frame.tracer.may_freeze
    spend(RULE)
    count_parameters(frame, module)
    made = module.layer.__dict__.values() if module.layer is not None else module.tensor.shape if module.tensor else ()
    if frame.tracer.has_batch and not _SYMBOLIC.isdisjoint(map(type, made)):
        from nnshape.tracing.batch_parameters import refuse_batch_sizes  # few modules have symbolic or nested sizes

        refuse_batch_sizes(frame, module, arguments)


def count_parameters(frame: Frame, module: Module) -> None:
    """Add the parameters of a module itself to the count of the current step. Raises Fault if one is too large."""
    spend(PARAMETER * (len(module.parameters) + len(module.buffers)))
    for name, tensor in module.parameters.items():
        elements = product(tensor.shape)
        if type(elements) is int and elements >= MAX_ELEMENTS:
            message = f"{name} would have {elements:,} elements, too many for torch to address"
            raise fault("too-large", message, module.span)
        frame.call.parameters += elements


def _parametrize(frame: Frame, module: Module) -> None:
    """Set the tensors of a layer that is parametrized. Raises Refusal."""
    from nnshape.tracing.parametrizing import hold_parametrized, stored_tensors  # few models have one

    stored = stored_tensors(module)
    module.parameters, module.buffers = stored.parameters, stored.buffers
    hold_parametrized(module, stored)
    for child in module.walk():
        if child is not module:
            count_parameters(frame, child)


def apply_layer(
    frame: Frame, node: nodes.Node, module: Module, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> Any:
    """Apply a layer's rule, record the operation in the current step, and return the output.

    A refusal for the input is reported, and the output is then that of `after_layer`. Raises Fault if the arguments of
    the layer cannot be resolved.
    """
    layer = module.layer
    assert layer is not None
    if holds_unknown(arguments) or (keywords and holds_unknown(keywords)):
        frame.call.partial_macs = True
        if layer.wants_auto:
            frame.call.partial_parameters = True
        elif not module.materialized:
            materialize(frame, module)
        return UNKNOWN
    plain_arguments, plain_keywords = plain(arguments), {key: plain(value) for key, value in keywords.items()}
    tracer = frame.tracer
    assumed = len(tracer.constraints)
    try:
        if not module.materialized:
            if layer.wants_auto:
                layer = module.layer = layer.resolve(list(tensors_in((plain_arguments, plain_keywords))))
            materialize(frame, module, arguments)
        try:
            result, macs = _answered(frame, layer, plain_arguments, plain_keywords)
            if layer.__dict__.get("inplace") is True and layer.__dict__.get("p") != 0:  # a dropout of nothing
                _require_writable(layer, arguments)
            elif layer.functional is not None and layer.functional.asks_for_layout:
                from nnshape.shapes.layouts.viewing_inside import require_viewable  # LocalResponseNorm alone

                require_viewable(
                    layer.functional.name, layer.call_signature().bind(plain_arguments, plain_keywords), result
                )
        except Refusal as refusal:
            del tracer.constraints[assumed:]  # conditions on a step that does not run
            wrong = located_refusal(frame, node, refusal, arguments, layer.signature(), module, keywords, layer.apply)
            report_refusal(frame, refusal, wrong, list(tensors_in((plain_arguments, plain_keywords))))
            frame.call.partial_macs = True
            if keeps(type(layer)):
                keep_sizes(frame, refusal, ())
            output = after_layer(layer, refusal, plain_arguments, plain_keywords)
            return produced(output, Declared(frame.call))
    except Refusal as refusal:
        raise located_refusal(frame, node, refusal, arguments, layer.signature(), module) from None
    except TooLarge as error:
        raise fault("too-large", str(error), frame.expression.span(node)) from None
    if tracer.notices:
        report_notices(frame, node, arguments, keywords, layer.signature(), module, layer.apply)
    if tracer.has_batch and len(tracer.constraints) > assumed:
        result = judge_batch(frame, node, assumed, arguments, keywords, layer.signature(), module, layer.apply, result)
    frame.call.macs += macs
    if layer.measured:
        frame.call.measured = frame.call.partial_macs = True
    check_dimensions(frame, node, result)
    recorded = frame.call.record(module, arguments, keywords, result)
    if frame.tracer.has_batch and samples.watches(module.type, None):
        samples.look(frame, node, frame.call.operations[-1], layer.apply)
    return recorded


def _require_writable(layer: Layer, arguments: tuple[Any, ...]) -> None:
    """Raise Refusal if torch cannot write into the input. What a layer gives has memory of its own, so it can there."""
    producer = arguments[0].producer if arguments and type(arguments[0]) is Tensor else None
    if isinstance(producer, Operation) and isinstance(producer.target, Function):
        from nnshape.shapes.layouts.writing import require_writable  # only writes ask

        require_writable(type(layer).__name__, arguments[0], ())


def _macs(layer: Layer, result: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Size:
    macs = layer.macs(result, *arguments, **keywords)
    check_macs(type(layer).__name__, macs)
    return macs


def _answered(frame: Frame, layer: Layer, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, Size]:
    """Return the output of a layer and its MACs, from the cache if the same layer has seen the same shape."""
    if len(arguments) != 1 or keywords or type(arguments[0]) is not Tensor or arguments[0].span is not None:
        result = layer.apply(arguments, keywords)
        return result, _macs(layer, result, arguments, keywords)
    (tensor,) = arguments
    key = (layer, tensor.shape, tensor.dtype)
    usual = default_dtype() is FLOAT32
    kept = (usual and _answers.get(key)) or frame.tracer.answers.get(key)
    if kept is not None:
        spend(kept[2])
        return kept[0], kept[1]
    left = budget().left
    assumed, noticed = len(frame.tracer.constraints), len(frame.tracer.notices)
    result = layer.apply(arguments, {})
    macs = _macs(layer, result, arguments, {})
    # An answer with a constraint or notice is not cached: each step must report its own.
    if type(result) is Tensor and len(frame.tracer.constraints) == assumed and len(frame.tracer.notices) == noticed:
        # A symbolic size carries its bounds and text, so it is shared within one trace only. N carries none.
        common = usual and all(type(size) is int or size is N for size in tensor.shape)
        answers = _answers if common else frame.tracer.answers
        if len(answers) >= _CACHE_SIZE:
            answers.clear()
        answers[key] = (result.like(), macs, int(left - budget().left))
    return result, macs
