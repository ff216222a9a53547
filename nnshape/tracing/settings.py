"""Evaluates the hparams of a file that are expressions, once overrides and variants are in place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from nnshape.problems import Label, Problem
from nnshape.shapes.dims import TooLarge
from nnshape.shapes.dtypes import DType
from nnshape.shapes.function import Function
from nnshape.shapes.tensor import UNKNOWN, Unknown
from nnshape.spec import Expression, Span, Spec, nodes
from nnshape.tracing.faults import Abort, Fault, Unknowable, fault
from nnshape.tracing.internal import internal_error
from nnshape.tracing.model import Call, Module, Run
from nnshape.tracing.scope import Definition, FileScope, Foreign, Frame, Template, is_layer_class
from nnshape.tracing.shape_matching import declare_sizes
from nnshape.tracing.value_display import shown
from nnshape.tracing.work_limit import ended
from nnshape.work import OutOfWork

if TYPE_CHECKING:
    from nnshape.tracing.tracer import Tracer


def written_hparams(spec: Spec) -> dict[str, Any]:
    """Return the hparams of a file as written, with expressions not evaluated."""
    return {name: tupled(located.value) for name, located in spec.hparams.items()}


def tupled(value: Any) -> Any:
    """Return the value with lists as tuples, which are immutable."""
    return tuple(map(tupled, value)) if isinstance(value, list) else value


def evaluate_hparams(tracer: Tracer, file: FileScope) -> None:
    """Replace every hparam that is an expression by its value, and report those that have none.

    An expression that constructs a module becomes a template: each use of the hparam makes a module of its own.
    """
    computed = {name for name, value in file.hparams.items() if any(True for _ in _expressions(value))}
    needs = {name: list(_needs(file.hparams[name], computed)) for name in computed}
    to_do = {name: list(reversed(needs[name])) for name in file.hparams if name in computed}
    for first in list(to_do):
        way = [first] if first in to_do else []
        while way:
            name = way[-1]
            while to_do[name] and to_do[name][-1].hparam not in to_do:
                to_do[name].pop()
            if not to_do[name]:
                file.hparams[name] = _value(tracer, file, name, file.hparams[name])
                del to_do[way.pop()]
            elif (needed := to_do[name][-1].hparam) in way:
                tracer.report(_circle(way[way.index(needed) :], needs))
                for one in way:
                    file.hparams[one] = UNKNOWN
                    del to_do[one]
                break
            else:
                way.append(needed)


def evaluate_tree(tracer: Tracer, file: FileScope) -> None:
    """Evaluate the hparams of a file, and of the files that it includes."""
    evaluate_hparams(tracer, file)
    for include in file.includes.values():
        evaluate_tree(tracer, include)


def _expressions(value: Any) -> Iterator[Expression]:
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _expressions(item)


class _Need(NamedTuple):
    """The name of an hparam in the expression of another one."""

    hparam: str
    span: Span


def _needs(value: Any, computed: Collection[str]) -> Iterator[_Need]:
    for expression in _expressions(value):
        for part in nodes.walk(expression.node):
            if isinstance(part, nodes.Name) and part.id in computed:
                yield _Need(part.id, expression.span(part))


def _circle(names: list[str], needs: Mapping[str, Iterable[_Need]]) -> Problem:
    """The problem of hparams that need one another."""
    labels = []
    for name, following in zip(names, [*names[1:], names[0]], strict=True):
        place = next(need.span for need in needs[name] if need.hparam == following)
        labels.append(Label(place, f"{name} needs {following}"))
    first, *others = labels
    help = (f"write a value for {names[0]}, or put a string in quotes",)
    return Problem("circular", f"{names[0]} is computed from itself", first.span, first.text, tuple(others), help=help)


def _value(tracer: Tracer, file: FileScope, name: str, value: Any) -> Any:
    """Return a setting with its expressions evaluated; unknown after a fault, which is reported."""
    if isinstance(value, tuple):
        items = tuple(_value(tracer, file, name, item) for item in value)
        for item in items:
            if isinstance(item, Template):
                message = f"a list cannot hold a layer that is made already: {name} can list layer types"
                tracer.report(Problem("wrong-type", message, item.expression.where()))
                return UNKNOWN
        return UNKNOWN if any(isinstance(item, Unknown) for item in items) else items
    if not isinstance(value, Expression):
        return value
    span = value.where()
    call = Call(name, name, "", value.text, span, 0)
    frame = Frame(tracer, file, Module(file.spec.name, (None, span)), Run({}), "", 0, call=call, expression=value)
    try:
        found = frame.evaluate(value.node)
        if isinstance(found, Module) and found.path is None:
            return Template(value, file)
        _check(name, found, value)
        return tupled(found)
    except Fault as wrong:
        problem = wrong.problem
        if problem.kind in ("unknown-name", "unknown-layer"):
            problem = _about_a_size(file, problem) or replace(
                problem, help=(*problem.help, f"put a string in quotes: '{' '.join(value.text.split())}'")
            )
        tracer.report(problem)
    except Unknowable:
        pass
    except TooLarge as error:
        tracer.report(Problem("too-large", str(error), span))
    except OutOfWork:
        raise ended(span, f"in the hparam {name}") from None
    except RecursionError:
        raise Abort(Problem("too-large", "this expression nests too deeply", span)) from None
    except Abort:
        raise
    except Exception as error:
        tracer.report(internal_error(error, span))
    return UNKNOWN


def _about_a_size(file: FileScope, problem: Problem) -> Problem | None:
    """Return the problem of an unknown name that is a symbolic size of an input, or None."""
    patterns = [item.pattern for item in file.spec.inputs if item.pattern is not None]
    name = problem.span.text if problem.span is not None else ""
    if all(name != size for size, _, _ in declare_sizes(file, patterns)):
        return None
    message = f"{name} is a size of an input, and hparams are evaluated before any input has a size"
    return replace(problem, message=message, help=("compute it in a step",), instead=())


def _check(name: str, value: Any, expression: Expression) -> None:
    """Raise Fault unless the value is a number, a string, a layer type, or a tuple of those."""
    if isinstance(value, (tuple, list)):
        for item in value:
            _check(name, item, expression)
    elif not (
        isinstance(value, (int, float, str, type(None), DType, Function, Definition, Foreign, Unknown))
        or is_layer_class(value)
    ):
        message = f"an hparam is a number, a string, a layer or a list of them, but {name} is {shown(value)}"
        raise fault("wrong-type", message, expression.where())
