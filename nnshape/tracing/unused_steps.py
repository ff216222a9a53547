"""Finds the steps whose values nothing uses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nnshape.problems import Problem
from nnshape.shapes.function import Function
from nnshape.shapes.nested import leaves_in
from nnshape.shapes.tensor import Tensor
from nnshape.tracing.model import Call, Module, Operation
from nnshape.tracing.runtime_sizes import RuntimeSize
from nnshape.work import spend

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnshape.spec import Source, Span

#: Characters that are searched for a name in one unit of work.
_CHARACTERS = 100
_COMMENT = re.compile(r"(?:^|[ \t])#.*", re.MULTILINE)


def report_unused_steps(root: Call, output: object, report: Callable[[Problem], None]) -> None:
    """Report each step that gives a tensor which no other step, and no output, takes.

    A step that writes in place, or whose module is applied again, does its work in another way. A name that the file
    mentions elsewhere counts as used: what hangs on a size or a parameter leaves no tensor behind. Raises OutOfWork.
    """
    used: set[Call] = set()
    _add_makers(output, used)
    modules: set[Module] = set()
    calls: list[Call] = []
    for call in root.walk():
        if call is root:
            continue
        calls.append(call)
        if call.reused and call.module is not None:
            modules.add(call.module)
        for operation in call.operations:
            _add_makers(operation.arguments, used, call)
            if operation.keywords:
                _add_makers(operation.keywords, used, call)
            if operation.run is not None:
                _add_makers(operation.run.output, used)
        _add_makers(call.output, used, call)
    _report_never_called(calls, report)
    seen: dict[tuple[int, int], Call | None] = {}
    for call in calls:
        place = (id(call.span.source), call.span.start)
        if call in used or not _gives_something(call) or _writes_in_place(call) or _is_applied_again(call, modules):
            seen[place] = None  # what one run of a block uses is no mistake of another one
        elif place not in seen:
            seen[place] = call
    for call in filter(None, seen.values()):
        if not _is_mentioned(call.name, call.span):
            message = f"nothing uses {call.name}"
            help = ("remove it, or name it in output",)
            report(Problem("unused-step", message, call.span, help=help, severity="warning"))


def _report_never_called(calls: list[Call], report: Callable[[Problem], None]) -> None:
    """Report the modules that `Module(…)` declares and no step applies, neither as a whole nor in part."""
    declared = [call for call in calls if call.module is not None and call.module.declared and not call.operations]
    if not declared:
        return
    targets = (operation.target for call in calls for operation in call.operations)
    applied = {target if isinstance(target, Module) else getattr(target, "module", None) for target in targets}
    for call in declared:
        assert call.module is not None
        if applied.isdisjoint(call.module.walk()) and not _is_mentioned(call.name, call.span):
            message = f"nothing calls {call.name}"
            help = (f"call it in a later step, {call.name}(x), or remove it",)
            report(Problem("unused-step", message, call.span, help=help, severity="warning"))


def _add_makers(value: object, makers: set[Call], user: Call | None = None) -> None:
    """Add the calls that made the tensors of a value, except `user` itself. Raises OutOfWork.

    Run-time sizes hold tensors too. They are derived from each other in long chains that meet again, so each is
    visited once, without recursion.
    """
    sizes: set[RuntimeSize] = set()
    stack = [value]
    while stack:
        value = stack.pop()
        if type(value) is Tensor:
            if type(value.producer) is Operation and value.producer.call is not user:
                makers.add(value.producer.call)
        elif isinstance(value, (tuple, list)):
            stack.extend(value)
        elif isinstance(value, dict):
            stack.extend(value.values())
        elif type(value) is slice:
            stack += (value.start, value.stop, value.step)
        elif type(value) is RuntimeSize and value not in sizes:
            spend(1)
            sizes.add(value)
            stack.extend(value.operands)


def _gives_something(call: Call) -> bool:
    """Whether the step gives a tensor that it made."""
    return any(type(leaf) is Tensor for leaf in leaves_in(call.output)) and bool(call.operations)


def _is_applied_again(call: Call, modules: set[Module]) -> bool:
    """Whether another step applies the module of this one, or a part of it."""
    return bool(modules) and call.module is not None and any(module in modules for module in call.module.walk())


def _writes_in_place(call: Call) -> bool:
    for operation in call.operations:
        target = operation.target
        if isinstance(target, Function) and target.name.endswith("_"):
            return True
        if isinstance(target, Module) and getattr(target.layer, "inplace", False):
            return True
        if any(key == "inplace" and value for key, value in operation.keywords.items()):
            return True
    return any(map(_writes_in_place, call.children))


def _is_mentioned(name: str, span: Span) -> bool:
    """Whether the file mentions a name outside of the step that has it and of comments. Raises OutOfWork."""
    source: Source = span.source
    spend(len(source.text) // _CHARACTERS)
    start = source.line_start(span.line)
    text = _COMMENT.sub("", source.text[:start]) + "\n" + _COMMENT.sub("", source.text[span.end :])
    return re.search(rf"(?<![\w]){re.escape(name)}(?![\w:])", text) is not None
