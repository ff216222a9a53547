"""Evaluates the expressions of a spec: a whitelist of nodes, with one rule each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from nnshape.problems.nearest import listed, nearest
from nnshape.shapes.dtypes import DType
from nnshape.shapes.function import Function
from nnshape.shapes.tensor import Tensor, Unknown
from nnshape.spec import nodes
from nnshape.tracing import calls, name_lookup, numbers
from nnshape.tracing.assigning import assign
from nnshape.tracing.faults import Fault, Unknowable, fault
from nnshape.tracing.inner_steps import inner_step, unknown_step
from nnshape.tracing.located import located, truth
from nnshape.tracing.loops import comprehension_values, evaluate_all
from nnshape.tracing.members import child_at, item_of, module_at
from nnshape.tracing.model import Module, StoredTensor
from nnshape.tracing.operations import on_tensors, read_attribute
from nnshape.tracing.runtime_sizes import is_number, plain
from nnshape.tracing.scope import MISSING, Definition, Frame, Local, Template, find_torch, is_layer_class
from nnshape.tracing.value_display import holds_tensor, shown
from nnshape.tracing.work_limit import ended, spend_on
from nnshape.work import OutOfWork

#: Types whose values take work in proportion to their contents.
_COMPOSED = frozenset({tuple, list, dict, str})
#: The function that each operator applies to tensors.
_TENSOR_SIGNS = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floor_divide", "%": "remainder", "**": "pow",
    "@": "matmul", "&": "bitwise_and", "|": "bitwise_or", "^": "bitwise_xor",
    "<<": "bitwise_left_shift", ">>": "bitwise_right_shift",
    "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
}  # fmt: skip


def evaluate(frame: Frame, node: nodes.Node) -> Any:
    """Return the value of a node: a tensor, a number, a module, or a tuple of those. Raises Fault."""
    try:
        value = _RULES[type(node)](frame, node)
        frame.tracer.budget.left -= 1  # a negative budget is noticed at the next `spend`
        if type(value) in _COMPOSED:
            spend_on(value)
    except OutOfWork:
        raise ended(frame.expression.span(node), "while computing this") from None
    return value


# ---- one rule a node ----


def _constant(frame: Frame, node: nodes.Constant) -> Any:
    return node.value


def _name(frame: Frame, node: nodes.Name) -> Any:
    name = node.id
    if name == "_":
        return frame.running
    return name_lookup.lookup(frame, name, node)


def _word(frame: Frame, node: nodes.Word) -> Any:
    own = frame.own(node.id)
    if own is MISSING:
        return find_torch("auto") if node.id == "auto" else node.id
    if type(own) is Template:
        return name_lookup.made_from(frame, own)
    value = own.value if type(own) is Local else own
    return node.id if node.is_string and not isinstance(value, (str, Unknown)) else value


def _tuple(frame: Frame, node: nodes.Tuple) -> Any:
    return tuple(evaluate_all(frame, node.items))


def _list(frame: Frame, node: nodes.List) -> Any:
    return evaluate_all(frame, node.items)


def _starred(frame: Frame, node: nodes.Starred) -> NoReturn:
    raise fault("syntax", "* can only unpack arguments or items", frame.expression.span(node))


def _slice(frame: Frame, node: nodes.Slice) -> Any:
    parts = (node.lower, node.upper, node.step)
    return slice(*(None if part is None else evaluate(frame, part) for part in parts))


def _binary(frame: Frame, node: nodes.Binary) -> Any:
    left, right = evaluate(frame, node.left), evaluate(frame, node.right)
    return _combined(frame, node, node.operator, left, right)


def _combined(frame: Frame, node: nodes.Node, sign: str, left: Any, right: Any) -> Any:
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        return on_tensors(frame, node, _TENSOR_SIGNS[sign], (left, right))
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        raise Unknowable
    try:
        with located(frame, node):
            return numbers.arithmetic(sign, left, right)
    except Fault:
        if not holds_tensor((left, right)):
            raise
        from nnshape.tracing.unapplied import several_values  # only for this fault

        raise several_values(frame, node, sign, left, right) from None


def _unary(frame: Frame, node: nodes.Unary) -> Any:
    value = evaluate(frame, node.operand)
    sign = node.operator
    if sign == "not":
        return not truth(frame, node.operand, value)
    if isinstance(value, Tensor):
        if sign == "+":
            return value
        return on_tensors(frame, node, "neg" if sign == "-" else "bitwise_not", (value,))
    if isinstance(value, Unknown):
        raise Unknowable
    if sign == "~" or not is_number(value):
        raise fault("wrong-type", f"{sign} does not work on {shown(value)}", frame.expression.span(node))
    with located(frame, node):
        return numbers.arithmetic("*", value, -1) if sign == "-" else value


def _compare(frame: Frame, node: nodes.Compare) -> Any:
    left = evaluate(frame, node.left)
    for sign, comparator in zip(node.operators, node.comparators, strict=True):
        right = evaluate(frame, comparator)
        if sign in _TENSOR_SIGNS and (isinstance(left, Tensor) or isinstance(right, Tensor)):
            return on_tensors(frame, node, _TENSOR_SIGNS[sign], (left, right))
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            raise Unknowable
        if isinstance(left, str) is not isinstance(right, str):
            # The hparam `act: ReLU` is the layer type ReLU.
            left, right, sign = _type_name(left), _type_name(right), {"is": "==", "is not": "!="}.get(sign, sign)
        with located(frame, node):
            if not numbers.compare(sign, left, right):
                return False
        left = right
    return True


def _type_name(value: Any) -> Any:
    """Return the name of a layer type, block or function; any other value as it is."""
    if is_layer_class(value):
        return value.__name__
    return value.name if isinstance(value, (Definition, Function)) else value


def _boolean(frame: Frame, node: nodes.Boolean) -> Any:
    value: Any = None
    for item in node.values:
        value = evaluate(frame, item)
        if truth(frame, item, value) is (node.operator == "or"):
            return value
    return value


def _conditional(frame: Frame, node: nodes.Conditional) -> Any:
    chosen = node.body if truth(frame, node.test, evaluate(frame, node.test)) else node.orelse
    return evaluate(frame, chosen)


def _fstring(frame: Frame, node: nodes.FString) -> Any:
    texts = [str(plain(_without_tensor(frame, part))) for part in node.parts]
    with located(frame, node):
        return numbers.short("".join(texts))


def _without_tensor(frame: Frame, part: nodes.Node) -> Any:
    value = evaluate(frame, part)
    if isinstance(value, Unknown):
        raise Unknowable
    if isinstance(value, Tensor):
        message = f"an f-string can hold numbers and strings, not {shown(value)}"
        raise fault("wrong-type", message, frame.expression.span(part))
    return value


def _assign(frame: Frame, node: nodes.Assign) -> Any:
    value = evaluate(frame, node.value)
    assign(frame, node, value)
    return value


def _comprehension(frame: Frame, node: nodes.Comprehension) -> Any:
    return comprehension_values(frame, node)


def _attribute(frame: Frame, node: nodes.Attribute) -> Any:
    step = inner_step(frame, node)
    if step is not None:
        return step.output
    try:
        return name_lookup.attribute(frame, node)
    except Fault as wrong:
        better = unknown_step(frame, node) if wrong.problem.kind == "unknown-name" else None
        raise better or wrong from None


def _subscript(frame: Frame, node: nodes.Subscript) -> Any:
    step = inner_step(frame, node)
    if step is not None:
        return step.output
    name = name_lookup.step_name(frame, node)
    if name is not None:
        return name_lookup.lookup(frame, name, node)
    whole = module_at(frame, node.value)
    if whole is not None and whole.type != "Sequential":
        child = child_at(frame, node, whole)
        if child is not None and child.tensor is not None:
            return read_attribute(frame, StoredTensor(child, ""), child.tensor)
    value = evaluate(frame, node.value)
    if isinstance(value, Module) and value.type == "Sequential":
        child = child_at(frame, node, value)  # an item of a member, such as heads['cls'][0]
        if child is not None:
            return child
    index = evaluate(frame, node.index)
    if isinstance(value, Tensor):
        return on_tensors(frame, node, "getitem", (value, index))
    if isinstance(value, Unknown):
        raise Unknowable
    index = plain(index)
    if isinstance(value, Module) and value.holds_modules:
        return item_of(frame, node, value, index)
    sequence = isinstance(value, (tuple, list, str)) and not isinstance(value, DType)
    if sequence and isinstance(index, (int, slice)):
        if isinstance(index, int) and not -len(value) <= index < len(value):
            raise _outside(frame, node, value, index)
        with located(frame, node):
            return value[index]
    if isinstance(value, dict) and isinstance(index, str):
        if index not in value:
            text = frame.expression.span(node.value).text
            message = f"{text} holds no {index}: it has {listed(value, 'none')}"
            raise fault("index-error", message, frame.expression.span(node), help=nearest(index, value))
        return value[index]
    message = f"{shown(value)} cannot be indexed by {shown(index)}"
    raise fault("wrong-type", message, frame.expression.span(node))


def _outside(frame: Frame, node: nodes.Subscript, value: Sequence[Any], index: int) -> Exception:
    """Return the fault for an index out of range, with the valid range."""
    text, span, count = frame.expression.span(node.value).text, frame.expression.span(node), len(value)
    if not count:
        return fault("index-error", f"{text} is empty, so it has no [{index}]", span)
    message = f"{text} holds {count} value{'s' * (count > 1)}, so it has no [{index}]"
    last = f"0 to {count - 1}, or -{count} to -1 from the end" if count > 1 else "0 or -1"
    # Of the tensors that a layer returns, the first is the output.
    places = [count - 1 if index >= 0 else -count, *([0] if isinstance(value[0], Tensor) else [])]
    instead = [f"{text}[{place}]" for place in dict.fromkeys(places)]
    return fault("index-error", message, span, label=f"takes {last}", instead=instead)


_RULES: dict[type, Callable[[Frame, Any], Any]] = {
    nodes.Constant: _constant,
    nodes.Name: _name,
    nodes.Word: _word,
    nodes.Starred: _starred,
    nodes.Call: calls.call,
    nodes.Attribute: _attribute,
    nodes.Subscript: _subscript,
    nodes.Slice: _slice,
    nodes.Binary: _binary,
    nodes.Unary: _unary,
    nodes.Compare: _compare,
    nodes.Boolean: _boolean,
    nodes.Conditional: _conditional,
    nodes.Tuple: _tuple,
    nodes.List: _list,
    nodes.Comprehension: _comprehension,
    nodes.Assign: _assign,
    nodes.FString: _fstring,
}
