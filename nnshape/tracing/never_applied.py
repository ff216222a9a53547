"""Modules that are held or declared, and never called: their parameters count too, as in torch."""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.problems import Problem
from nnshape.shapes.tensor import UNKNOWN
from nnshape.tracing.applying import apply_module
from nnshape.tracing.block_calls import inputs_of
from nnshape.tracing.faults import Fault, Unknowable
from nnshape.tracing.model import Call, Module
from nnshape.tracing.scope import BlockBody, Frame


def make_never_applied(frame: Frame, root: Call) -> None:
    """Make the parts of each block or Sequential that no step has called, by a run in which every value is unknown.

    Reports those whose parameters depend on their input.
    """
    assert root.module is not None
    calls: dict[str, Call] = {}
    waiting = list(_held_below(root.module))
    while waiting:
        module = waiting.pop()
        if module.body is None:
            waits = module.entry is not None and module.entry.waits
            unknown = not module.materialized if module.layer is not None else waits
        elif module.run is None:
            calls = calls or _by_path(frame)
            made = _made(frame, module)
            for call in _around(calls, module):
                call.add_counts(made)
            unknown = made.partial_parameters
            waiting += _held_below(module)  # the containers in its body exist from now on
        else:
            unknown = False
        if unknown:
            message = f"{module.path} is never called, so its parameters are unknown"
            help = ("call it in a later step, or remove it",)
            frame.tracer.report(Problem("unknown-value", message, module.span, help=help))
            root.partial_parameters = True


def _by_path(frame: Frame) -> dict[str, Call]:
    return {call.path: call for step in frame.run.calls for call in step.walk() if not call.reused}


def _made(frame: Frame, module: Module) -> Call:
    """Run the body of a module with unknown values, and return the call, which counts its parameters."""
    path = module.path or ""
    call = Call(path, path.rpartition(".")[2], module.type, module.span.text, module.span, frame.depth, module)
    frame.call, frame.tracer.makes_idle = call, True
    try:
        apply_unknown(frame, module)
    except (Fault, Unknowable):
        call.partial_parameters = True
    finally:
        frame.tracer.makes_idle = False
    for part in module.walk():
        # What a step outside calls is in here by one of its names.
        part.is_idle = f"{part.path}.".startswith(f"{module.path}.") or part.is_idle
    call.macs, call.partial_macs = 0, False  # it computes nothing
    return call


def apply_unknown(frame: Frame, module: Module) -> None:
    """Apply a module to values that are all unknown. Raises Fault or Unknowable."""
    body = module.body
    count = len(inputs_of(body.definition)) if isinstance(body, BlockBody) else 1
    apply_module(frame, frame.expression.node, module, (UNKNOWN,) * count, {})


def _around(calls: dict[str, Call], module: Module) -> Iterator[Call]:
    """Yield the calls of the container that holds a module, and of the bodies around it, below the model."""
    names = (module.path or "").split(".")
    for end in range(1, len(names) + 1):
        call = calls.get(".".join(names[:end]))
        if call is not None:
            yield call


def _held_below(root: Module) -> Iterator[Module]:
    for module in root.walk():
        if module.holds_modules:
            yield from module.children.values()
        elif module.declared:
            yield module
