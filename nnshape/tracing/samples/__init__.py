"""Warns where samples mix, where each is scrambled, and where the batch is lost: torch runs all of it.

Only the trace knows which dimension is the batch. Each module beside this one looks at one sort of operation;
it is imported with the first operation of its sort, so that other models need none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nnshape.shapes.tensor import N, Tensor
from nnshape.tracing.rule_refusals import warn

if TYPE_CHECKING:
    from nnshape.spec import nodes
    from nnshape.tracing.model import Operation
    from nnshape.tracing.scope import Frame

#: The functions that one of the modules looks at.
_WATCHED = frozenset({"reshape", "reshape_as", "view", "view_as"})


def watches(name: str, result: Any) -> bool:
    """Whether an operation of a function is to be looked at, by the function's name and the result."""
    return name in _WATCHED or (type(result) is Tensor and result.shape.count(N) > 1)


def look(
    frame: Frame,
    node: nodes.Node,
    operation: Operation,
    apply: Callable[[tuple[Any, ...], dict[str, Any]], Any],
) -> None:
    """Report a warning for the operation at `node`, if there is one."""
    from nnshape.shapes.function import Function
    from nnshape.tracing.samples import broadcasts, reshapes

    assert isinstance(operation.target, Function)
    check = reshapes.look if operation.target.name in _WATCHED else broadcasts.look
    refusal = check(operation)
    if refusal is not None:
        signature = operation.target.signature()
        warn(frame, node, refusal, operation.arguments, signature, None, operation.keywords, apply)
