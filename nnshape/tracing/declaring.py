"""`Module(…)`: a module that is declared in one step and applied in later ones.

`reduction: Module(Linear(4 * d, 2 * d))` leaves the running value as it is, and `reduction(norm)` applies the module.
Its place in the state dict is that of the declaration. `head: Module(embed)` gives a module one more name.
"""

from __future__ import annotations

from nnshape.spec import nodes
from nnshape.tracing.applying import place
from nnshape.tracing.faults import Unknowable, fault
from nnshape.tracing.layers import materialize
from nnshape.tracing.model import Module
from nnshape.tracing.scope import Frame
from nnshape.tracing.shared_modules import module_named, register_again
from nnshape.tracing.value_display import shown

_FORM = "write Module(Linear(8, 2)), and call it in a later step"


def declare(frame: Frame, node: nodes.Call) -> Module:
    """Return the module of `Module(…)`, registered under the name of the current step. Raises Fault."""
    before = frame.module.children.get(frame.call.name) if frame.again else None
    if before is not None:
        frame.placed = frame.call.module = before
        return before
    span = frame.expression.span(node)
    if len(node.args) != 1 or node.keywords:
        raise fault("unknown-argument", "Module declares one module", span, help=(_FORM,))
    named = module_named(frame, node.args[0])
    if named is not None:
        named.declared = True
        return register_again(frame, node.args[0], named)
    module = frame.evaluate(node.args[0])
    if not isinstance(module, Module) or (module.path is not None and module is not frame.placed):
        known = f"the module {module.path}" if isinstance(module, Module) else shown(module)
        span = frame.expression.span(node.args[0])
        message = f"Module declares a module that is not called, or names one, not {known}"
        raise fault("wrong-type", message, span, help=(_FORM,))
    if module.layer is None and module.body is None and module.entry is None and not module.holds_modules:
        raise Unknowable  # its arguments are wrong, which has been reported
    place(frame, module)
    module.declared = True
    if module.layer is not None and not module.materialized and not module.layer.wants_auto:
        materialize(frame, module)
    return module
