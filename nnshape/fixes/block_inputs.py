"""Fixes of a block's call whose input has another shape than the block's signature says."""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate, construction
from nnshape.fixes.given import passed
from nnshape.spec import nodes
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.scope import BlockBody


def matching_hyperparameter(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Give the size that arrives for the hyperparameter that the block's signature names as that size."""
    refusal, module = context.refusal, context.module
    body = module.body if module is not None else None
    block = body.definition.block if isinstance(body, BlockBody) else None
    if module is None or block is None or type(refusal.arrived) is not int:
        return
    expression, node = module.place
    call = construction(node)
    pattern = next((item.pattern for item in block.inputs if item.name == refusal.argument), None)
    if expression is None or call is None or pattern is None:
        return
    names = [parameter.name for parameter in block.parameters]
    for index in (dim - (1 if pattern.per_sample else 0) for dim in refusal.dims):
        size = pattern.dims[index] if 0 <= index < len(pattern.dims) else None
        if not isinstance(size, nodes.Name) or size.id not in names:
            continue
        value = passed(call, names, size.id)
        if value is not None:
            edit = Edit(expression.span(value), str(refusal.arrived))
            yield Candidate("match the input", (edit,), context.call.span, context.call.name)
