"""Finds the inputs that a block's key names among its hyperparameters: `E(d)` where `E()(d)` is meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nnshape.shapes.functions import find_function
from nnshape.spec import Block, Body, nodes
from nnshape.work import spend


def inputs_hint(block: Block) -> str:
    """Return the key with the inputs in brackets of their own, as a help text; empty if the key names no input.

    A required hyperparameter is meant as an input if a step takes it as a tensor, such as `d` in `Linear(8, 4)(d)`.
    """
    key = block.signature.node
    if not isinstance(key, nodes.Call) or isinstance(key.function, nodes.Call):
        return ""  # no brackets, or those of the inputs too
    required = [parameter.name for parameter in block.parameters if not parameter.has_default]
    taken = set(_taken_as_tensors(block.body, {step.name for step in block.body.steps}))
    inputs = [name for name in required if name in taken]
    if not inputs:
        return ""
    rest = [name for name in required if name not in taken]
    rest += [block.signature.text[keyword.start : keyword.end] for keyword in key.keywords]
    return f"inputs come in brackets of their own: {block.name}({', '.join(rest)})({', '.join(inputs)}):"


def _taken_as_tensors(body: Body, steps: Collection[str]) -> Iterator[str]:
    """Iterate over the names that the steps pass to a layer or as the tensor of a function, or call a method of."""
    for step in body.steps:
        if isinstance(step.value, Body):
            yield from _taken_as_tensors(step.value, {*steps, *[inner.name for inner in step.value.steps]})
        elif step.value is not None:
            for part in nodes.walk(step.value.node):
                spend(1)
                if isinstance(part, nodes.Attribute) and isinstance(part.value, nodes.Name):
                    yield part.value.id
                elif isinstance(part, nodes.Call):
                    yield from _tensors_of(part, steps)


def _tensors_of(call: nodes.Call, steps: Collection[str]) -> Iterator[str]:
    callee, arguments = call.function, list(call.args)
    if not isinstance(callee, nodes.Call) and not (isinstance(callee, nodes.Name) and callee.id in steps):
        function = find_function(callee.id) if isinstance(callee, nodes.Name) else None
        if function is None or function.factory:
            return  # constructors of layers and tensors take sizes
        arguments = arguments[:1]
    for argument in arguments:
        items = argument.items if isinstance(argument, (nodes.Tuple, nodes.List)) else (argument,)
        yield from (item.id for item in items if isinstance(item, nodes.Name))
