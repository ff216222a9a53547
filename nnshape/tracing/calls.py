"""Evaluates the calls in an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnshape.problems.nearest import nearest_name, suggested
from nnshape.shapes.dtypes import DType
from nnshape.shapes.function import Function
from nnshape.shapes.functions import find_function, find_method
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, Tensor, Unknown
from nnshape.spec import nodes
from nnshape.tracing import measuring, name_lookup, numbers, one_expression
from nnshape.tracing.applying import apply_module, made_before
from nnshape.tracing.block_calls import make_block
from nnshape.tracing.containers import make_container
from nnshape.tracing.declaring import declare
from nnshape.tracing.faults import Unknowable, fault
from nnshape.tracing.layers import make_layer
from nnshape.tracing.located import located
from nnshape.tracing.loops import evaluate_all
from nnshape.tracing.making import foreign, own_tensor
from nnshape.tracing.mappings import is_listed, listing, make_mapping
from nnshape.tracing.members import CONTAINERS, child_at, items_held, module_at
from nnshape.tracing.model import Module, StoredTensor
from nnshape.tracing.operations import apply_function, read_attribute
from nnshape.tracing.parametrizing import is_parametrization, parametrize
from nnshape.tracing.rounded_quotients import ROUNDED, rounded_quotient
from nnshape.tracing.rule_refusals import located_refusal
from nnshape.tracing.runtime_sizes import RuntimeSize, is_number, plain
from nnshape.tracing.scope import (
    MISSING,
    Definition,
    FileScope,
    Foreign,
    Frame,
    Namespace,
    NumberFunction,
    Special,
    find_torch,
    is_callable,
    is_layer_class,
    torch_names,
)
from nnshape.tracing.sequences import make_sequential
from nnshape.tracing.sums import added
from nnshape.tracing.value_display import holds_tensor, holds_unknown, shown


def call(frame: Frame, node: nodes.Call) -> Any:
    """Return the value of a call. A Parameter or Buffer is made once, however often its body runs. Raises Fault."""
    function = node.function
    if isinstance(function, nodes.Name):
        target = name_lookup.lookup(frame, function.id, function, called=True)
    elif isinstance(function, nodes.Attribute):
        owner = name_lookup.attribute_owner(frame, function)
        if isinstance(owner, Tensor):
            return _method_call(frame, node, owner, function.name)
        if isinstance(owner, Namespace):
            target = name_lookup.in_namespace(frame, function, owner, called=True)
        elif isinstance(owner, Unknown):
            _arguments(frame, node)
            raise Unknowable
        elif is_listed(owner, function.name):
            return listing(frame, node, owner, function.name)
        else:
            target = name_lookup.attribute(frame, function)
    elif (name := name_lookup.step_name(frame, function)) is not None:
        target = name_lookup.lookup(frame, name, function, called=True)
    else:
        whole = module_at(frame, function.value) if isinstance(function, nodes.Subscript) else None
        item = None if whole is None else child_at(frame, function, whole)  # type: ignore[arg-type]  # a Subscript
        target = frame.evaluate(function) if item is None else item
    if is_layer_class(target):
        return make_layer(frame, node, target, *_arguments(frame, node))
    if isinstance(target, Module):
        return apply_module(frame, node, target, *_arguments_of(frame, node, target))
    if isinstance(target, Unknown):
        raise Unknowable
    if isinstance(target, str) and not isinstance(target, DType):
        target = name_lookup.named_type(frame, function, target)
        if is_layer_class(target):
            return make_layer(frame, node, target, *_arguments(frame, node))
    if not is_callable(target):
        message = f"{shown(target)} cannot be called"
        raise fault("wrong-type", message, frame.expression.span(function))
    if isinstance(target, Special) and target.name == "Sequential":
        return make_sequential(frame, node)
    if isinstance(target, Special) and target.name == "Module":
        return declare(frame, node)
    if isinstance(target, Special) and target.name in CONTAINERS:
        return make_container(frame, node, target.name)
    existing = made_before(frame, target)
    if existing is not None and existing.tensor is not None:
        return read_attribute(frame, StoredTensor(existing, ""), existing.tensor)
    if isinstance(target, Function) and target.name in ROUNDED:
        value = rounded_quotient(frame, node, target.name)
        if value is not None:
            return value
    arguments, keywords = _arguments(frame, node)
    return _called(frame, node, target, arguments, keywords)


def _called(frame: Frame, node: nodes.Call, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Return the value of `target(*arguments, **keywords)`. Raises Fault."""
    if isinstance(target, Function):
        if numbers.takes(target.name, arguments) and not holds_unknown(arguments):
            return _with_numbers(frame, node, target.name, arguments, keywords)
        return _function(frame, node, target, arguments, keywords)
    if isinstance(target, Definition):
        return one_expression.resolved(frame, node, make_block(frame, node, target, arguments, keywords))
    if isinstance(target, FileScope):
        whole = Definition(target, None, target.spec.name)
        return make_block(frame, node, whole, arguments, keywords)
    if isinstance(target, NumberFunction) and target.name == "dict":
        return make_mapping(frame, node, arguments, keywords)
    if isinstance(target, NumberFunction):
        return _with_numbers(frame, node, target.name, arguments, keywords)
    if isinstance(target, Foreign):
        return foreign(frame, node, target, arguments, keywords)
    assert isinstance(target, Special)
    if is_parametrization(target):
        return parametrize(frame, node, target, arguments, keywords)
    return own_tensor(frame, node, target.name, arguments, keywords)


def _with_numbers(
    frame: Frame, node: nodes.Call, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    if name == "len" and len(arguments) == 1 and isinstance(arguments[0], Module) and arguments[0].holds_modules:
        return len(arguments[0].children)
    if name == "len" and len(arguments) == 1 and isinstance(arguments[0], Tensor):
        return name_lookup.shape_of(arguments[0])[0] if arguments[0].shape else 0
    if holds_unknown(arguments):
        raise Unknowable
    if name in _ON_ITEMS:
        # A ModuleList is a list of its items, as in `zip(heads, widths)`.
        arguments = tuple(items_held(frame, a) if isinstance(a, Module) and a.holds_modules else a for a in arguments)
    if name == "sum" and (holds_tensor((arguments, keywords)) or len(arguments) + len(keywords) > 1):
        return added(frame, node, arguments, keywords)
    if not all(is_number(a) or isinstance(a, (str, tuple, list, type(None))) for a in arguments):
        message = f"{name} works on numbers here, not on {', '.join(map(shown, arguments))}"
        raise fault("wrong-type", message, frame.expression.span(node))
    if name == "range" and keywords:
        given = next(iter(keywords))
        unknown = Refusal("unknown-argument", f"range takes its numbers by position, not as {given}=", given)
        raise located_refusal(frame, node, unknown, arguments, None)
    with located(frame, node):
        return numbers.evaluate(name, arguments, keywords)


def _function(
    frame: Frame, node: nodes.Call, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Apply a function. Without a tensor among its arguments, it takes the running value as its first one."""
    given = (arguments, keywords)
    if not function.factory and not holds_tensor(given) and not holds_unknown(given):
        arguments = (frame.running, *arguments)
    return apply_function(frame, node, function, arguments, keywords)


def _arguments_of(frame: Frame, node: nodes.Call, module: Module) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a module's call: all unknown for a new one if one is, so that its parameters count."""
    try:
        return _arguments(frame, node)
    except Unknowable:
        if module.path is not None or any(type(argument) is nodes.Starred for argument in node.args):
            raise
        return (UNKNOWN,) * len(node.args), {keyword.name: UNKNOWN for keyword in node.keywords if keyword.name}


def _arguments(frame: Frame, node: nodes.Call) -> tuple[tuple[Any, ...], dict[str, Any]]:
    arguments = evaluate_all(frame, node.args)
    if len(node.args) == 1 and type(node.args[0]) is nodes.Comprehension and not node.args[0].bracketed:
        arguments = [tuple(arguments[0])]
    keywords: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.name is None:
            message = "** is not supported: write the arguments out"
            raise fault("syntax", message, frame.expression.span(keyword))
        value = keyword.value
        unquoted = isinstance(value, nodes.Name) and value.id in _UNQUOTED.get(keyword.name, ())
        if unquoted and frame.own(value.id) is MISSING:  # type: ignore[union-attr]
            keywords[keyword.name] = value.id  # type: ignore[union-attr]
        else:
            keywords[keyword.name] = frame.evaluate(value)
    return tuple(arguments), keywords


#: Strings that print(model) shows without quotes, so that a layer can be pasted from its output.
_UNQUOTED = {"padding": ("same", "valid"), "padding_mode": ("reflect", "replicate", "circular")}


def _method_call(frame: Frame, node: nodes.Call, tensor: Tensor, name: str) -> Any:
    arguments, keywords = _arguments(frame, node)
    read = _READINGS.get(name)
    if read is not None and not keywords:
        given = tuple(map(plain, arguments))
        if len(given) > (name == "size") or not all(type(dim) is int for dim in given if dim is not None):
            takes = "one whole number, a dimension" if name == "size" else "no arguments"
            message = f"{name} takes {takes}, not {', '.join(map(shown, arguments))}"
            raise fault("wrong-type", message, frame.expression.span(node))
        with located(frame, node):
            return read(tensor, *given)
    function = find_method(name) or measuring.method_without_rule(frame, node, name)
    if function is None:
        assert isinstance(node.function, nodes.Attribute)
        span = frame.expression.span((node.function.name_start, node.function.end))
        if find_function(name) is None and measuring.declares_function(name):
            from nnshape.tracing.habits import method_of_torch  # only for a method that the language does not have

            raise method_of_torch(name, span)
        methods = (n for n in torch_names() if isinstance(f := find_torch(n, True), Function) and f.method)
        near = nearest_name(name, methods)
        help, instead = suggested(near), tuple(filter(None, [near]))
        if find_function(name) is not None:
            help = (f"{name} is a function: write {name}(…) with the tensor as its first argument",)
            instead = ()
        raise fault("unknown-name", f"a tensor has no method {name}", span, help=help, instead=instead)
    return apply_function(frame, node, function, (tensor, *arguments), keywords, method=True)


def _size(tensor: Tensor, dim: int | None = None) -> Any:
    sizes = name_lookup.shape_of(tensor)
    return sizes if dim is None else sizes[dim]


#: Functions of Python on the items of a list.
_ON_ITEMS = frozenset({"enumerate", "list", "reversed", "tuple", "zip"})
#: Tensor methods that return a number.
_READINGS: dict[str, Callable[..., Any]] = {
    "size": _size,
    "dim": lambda tensor: len(tensor.shape),
    "ndimension": lambda tensor: len(tensor.shape),
    "numel": lambda tensor: RuntimeSize(tensor.numel(), "numel", (tensor,)),
}
