"""Resolves names and attributes in an expression."""

from __future__ import annotations

from typing import Any

from nnshape.problems import Edit
from nnshape.problems.nearest import nearest, nearest_name, suggested
from nnshape.shapes.function import Function
from nnshape.shapes.functions import find_method
from nnshape.shapes.layers import all_layers
from nnshape.shapes.parametrizations import SIGNATURES
from nnshape.shapes.tensor import Tensor, Unknown
from nnshape.spec import Span, nodes
from nnshape.tracing import measuring
from nnshape.tracing.faults import Unknowable, fault
from nnshape.tracing.members import child_at, module_at
from nnshape.tracing.model import Module, StoredTensor
from nnshape.tracing.operations import on_tensors, read_attribute
from nnshape.tracing.runtime_sizes import RuntimeSize, plain
from nnshape.tracing.scope import (
    ATTRIBUTES,
    MISSING,
    Definition,
    FileScope,
    Foreign,
    Frame,
    Local,
    Namespace,
    Special,
    Template,
    find_torch,
    is_layer_class,
)
from nnshape.tracing.unknown_names import names_of_same_sort, no_attribute, no_item, not_called, unknown_name
from nnshape.tracing.value_display import shown

#: `steps[4]` and `steps['block1-0']` name steps whose names are no identifiers.
STEPS = "steps"
_PROPERTIES = (*ATTRIBUTES, "real", "imag")
#: The attributes that every tensor has.
TENSOR_ATTRIBUTES = frozenset({"shape", "ndim", "dtype", "device", *_PROPERTIES})


def lookup(frame: Frame, name: str, node: nodes.Node, *, called: bool = False) -> Any:
    """Return the value of a name: first among the names of the file, then among torch's. Raises Fault if unknown."""
    own = frame.own(name)
    if type(own) is Local:
        if not called:
            return own.value
        if own.module is not None:
            return own.module
        found = find_torch(name, called=True)
        return own.value if found is MISSING else found
    if type(own) is Template:
        return made_from(frame, own)
    if own is not MISSING:
        return own
    found = find_torch(name, called)
    if found is MISSING and called:
        found = _without_rule(frame, node, name)
    if found is MISSING:
        if not called and measuring.declares_function(name):
            raise not_called(frame, node, name)
        raise unknown_name(frame, name, node)
    return found


def step_name(frame: Frame, node: nodes.Node) -> str | None:
    """Return the name that `steps[4]` or `steps['block1-0']` refers to, or None for any other expression.

    So a step can be named whose name is no identifier. Raises Fault if there is no such step.
    """
    if type(node) is not nodes.Subscript or type(node.value) is not nodes.Name or node.value.id != STEPS:
        return None
    if frame.own(STEPS) is not MISSING:
        return None  # a step or size is called steps
    index = plain(frame.evaluate(node.index))
    span = frame.expression.span(node.index)
    if isinstance(index, bool) or not isinstance(index, (int, str)):
        raise fault("wrong-type", f"a step is named by a number or a string, not by {shown(index)}", span)
    name = str(index)
    if type(frame.own(name)) is not Local:
        known = (known for known in frame.own_names() if type(frame.own(known)) is Local)
        near = nearest(name, known)
        raise fault("unknown-name", f"there is no step {name!r} before this one", span, help=near)
    return name


def named_type(frame: Frame, node: nodes.Node, name: str) -> Any:
    """Return the layer type, block or function that a string names, such as the hparam `act: ReLU`. Raises Fault."""
    bare = name.removeprefix("torch.").removeprefix("nn.")
    found = frame.file.find(bare) if bare == name else MISSING
    if not isinstance(found, (Definition, Foreign)):
        found = find_torch(bare, called=True)
    if found is MISSING and bare.isidentifier():
        found = _without_rule(frame, node, bare)
    is_word = isinstance(found, Special) and found.name in SIGNATURES
    if isinstance(found, (Definition, Foreign, Function)) or is_layer_class(found) or is_word:
        return found
    span = frame.expression.span(node)
    message = f"{span.text} is {shown(name)}, which names no layer, block or function"
    raise fault("unknown-layer", message, span, help=nearest(bare, [*frame.file.spec.blocks, *all_layers()]))


def made_from(frame: Frame, template: Template) -> Any:
    """Return a new module of an hparam that constructs one, for the current step."""
    expression = template.expression
    inner = Frame(frame.tracer, template.file, frame.module, frame.run, "", 0, call=frame.call, expression=expression)
    return inner.evaluate(expression.node)


def _without_rule(frame: Frame, node: nodes.Node, name: str, namespace: str = "") -> Any:
    """Return a layer or function of torch without a rule, or MISSING."""
    if name[:1].isupper() and namespace in ("", "nn"):
        is_layer = measuring.is_layer_without_rule(frame, node, name)
        return Foreign(f"torch.nn:{name}", is_torch=True) if is_layer else MISSING
    return measuring.function_without_rule(frame, node, name, namespace) or MISSING


def attribute(frame: Frame, node: nodes.Attribute) -> Any:
    """Return the value of `owner.name`: a parameter or child of a module, a tensor's property, or a name of a file."""
    owner = attribute_owner(frame, node)
    name = node.name
    if isinstance(owner, Namespace):
        return in_namespace(frame, node, owner, called=False)
    if isinstance(owner, FileScope):
        found = owner.find(name)
        if found is MISSING:
            raise no_attribute(frame, node, owner.spec.name, owner.names())
        return found
    if isinstance(owner, Module):
        return _module_attribute(frame, node, owner)
    if isinstance(owner, Tensor):
        return tensor_attribute(frame, node, owner, name)
    if isinstance(owner, Unknown):
        raise Unknowable
    if isinstance(owner, tuple) and name in getattr(owner, "_fields", ()):
        return getattr(owner, name)
    first = []
    if isinstance(owner, tuple) and owner and isinstance(owner[0], Tensor):
        # The output is the first of the values that a layer returns.
        end = frame.expression.span(node.value).end
        first = [(Edit(Span(frame.expression.origin.source, end, end), "[0]"),)]
    if isinstance(owner, dict):
        raise no_item(frame, node, owner)
    raise no_attribute(frame, node, shown(owner), getattr(owner, "_fields", ()), first)


def attribute_owner(frame: Frame, node: nodes.Attribute) -> Any:
    """Return the object before the dot: the module of a step if it has that parameter or child, else the value."""
    value = node.value
    name = value.id if type(value) is nodes.Name and value.id != "_" else step_name(frame, value)
    if name is not None:
        own = frame.own(name)
        if type(own) is Local and own.module is not None:
            if _has(own.module, node.name):
                return own.module
            if own.module.parametrizations:
                _refuse_computed(frame, node, own.module)
    elif type(value) is nodes.Attribute:
        owner = attribute_owner(frame, value)
        if isinstance(owner, Module) and value.name in owner.children and _has(owner.children[value.name], node.name):
            return owner.children[value.name]
        if isinstance(owner, Tensor) and value.name in TENSOR_ATTRIBUTES:
            return tensor_attribute(frame, value, owner, value.name)  # evaluated once, also in a long chain
    elif type(value) is nodes.Subscript and (whole := module_at(frame, value.value)) is not None:
        child = child_at(frame, value, whole)
        if child is not None and _has(child, node.name):
            return child
    return frame.evaluate(value)


def _has(module: Module, name: str) -> bool:
    return name in module.children or name in module.parameters or name in module.buffers


def _refuse_computed(frame: Frame, node: nodes.Attribute, module: Module) -> None:
    """Raise Fault for a parameter that `weight_norm` or the like computes, which a spec cannot read."""
    for parametrization in module.parametrizations:
        if parametrization.arguments["name"] == node.name:
            span = frame.expression.span(node)
            message = f"{span.text} is computed by {parametrization.function}, and cannot be read"
            stored = [name for name in module.parameters if name.startswith(node.name)]
            held = module.children.get("parametrizations")
            if held is not None and node.name in held.children:
                stored = [f"parametrizations.{node.name}.{name}" for name in held.children[node.name].parameters]
            raise fault("wrong-type", message, span, help=[f"read {module.path}.{name}" for name in stored[-1:]])


def _module_attribute(frame: Frame, node: nodes.Attribute, module: Module) -> Any:
    name = node.name
    if name in module.children:
        child = module.children[name]
        return child if child.tensor is None else read_attribute(frame, StoredTensor(child, ""), child.tensor)
    tensor = module.parameters.get(name) or module.buffers.get(name)
    if tensor is None:
        raise no_attribute(frame, node, module.type, [*module.children, *module.parameters, *module.buffers])
    return read_attribute(frame, StoredTensor(module, name), tensor)


def tensor_attribute(frame: Frame, node: nodes.Node, tensor: Tensor, name: str) -> Any:
    """Return an attribute of a tensor, such as `shape`, `ndim`, `dtype` or `T`. Raises Fault if there is none."""
    if name == "shape":
        return shape_of(tensor)
    if name == "ndim":
        return len(tensor.shape)
    if name == "dtype":
        return tensor.dtype
    if name == "device":
        return None
    if name in _PROPERTIES:
        return on_tensors(frame, node, name, (tensor,))
    span = frame.expression.span(node)
    if find_method(name) is not None:
        raise fault("wrong-type", f"{name} is a method: call it", span, help=(f"write .{name}(…)",))
    near = nearest_name(name, ("shape", "ndim", "dtype", *_PROPERTIES))
    instead = () if near is None else (f"{span.text.removesuffix(name)}{near}",)
    raise fault("unknown-name", f"a tensor has no attribute {name}", span, help=suggested(near), instead=instead)


def shape_of(tensor: Tensor) -> tuple[RuntimeSize, ...]:
    """Return the shape of a tensor as run-time sizes."""
    return tuple(RuntimeSize(size, "size", (tensor, i)) for i, size in enumerate(tensor.shape))


def in_namespace(frame: Frame, node: nodes.Attribute, owner: Namespace, called: bool) -> Any:
    """Return the value of a name after `torch.`, `nn.` or `F.`. Raises Fault if unknown."""
    if owner.name == "torch" and node.name in ("nn", "functional"):
        return Namespace("nn")
    if owner.name == "nn" and node.name in ("functional", "init"):
        return Namespace("F")
    if owner.name == "nn" and node.name == "utils":
        return Namespace("utils")
    if owner.name == "utils" and node.name == "parametrizations":
        return Namespace("parametrizations")
    if owner.name == "utils" and node.name == "rnn":
        return Namespace("rnn")
    if owner.name in ("utils", "parametrizations"):
        from nnshape.tracing.parametrizing import older_or_newer  # few models need it

        found = older_or_newer(owner.name, node.name)
        if found is None:
            raise no_attribute(frame, node, f"nn.{owner.name}", SIGNATURES)
        return found
    if owner.name == "torch" and node.name in ("fft", "linalg", "special"):
        return Namespace(node.name)
    found = find_torch(node.name, called)
    if found is MISSING and called:
        found = _without_rule(frame, node, node.name, owner.name)
    if found is MISSING:
        if not called and measuring.declares_function(node.name):
            raise not_called(frame, node, node.name)
        from nnshape.tracing.habits import of_another_library  # only for a name that is unknown

        span = frame.expression.span((node.name_start, node.end))
        known = of_another_library(frame, node.name, node, span)
        raise known or no_attribute(frame, node, owner.name, names_of_same_sort(node.name))
    return found
