"""The rows of a model's table: the tree of calls, with repeated rows folded and faults marked."""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.problems import Problem, Severity
from nnshape.records import dataclass
from nnshape.rendering.row_folding import runs
from nnshape.shapes.dims import Size
from nnshape.shapes.tensor import UNKNOWN
from nnshape.tracing import Call, Trace, per_sample


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a call, or a run of `count` equal ones that begins with it.

    `names` says which, from the fullest to the shortest: `h.0 … h.11`, `h.0 … 11`; `guide` draws the
    tree before them. `parameters` and `macs` are those of the whole run, a tied parameter left out
    and `macs` per sample; the `least_…` say that some part of them is not known. `fault` is that of
    a problem in this step, or in a step inside that is not shown.
    """

    call: Call
    last: Call
    count: int
    names: tuple[str, ...]
    guide: str
    parameters: Size
    macs: Size
    least_parameters: bool
    least_macs: bool
    tied: bool
    fault: Severity | None

    @property
    def type(self) -> str:
        """The type and how often it comes, `12 x Block`; `-` for a value from elsewhere, `?` where there is none."""
        name = self.call.type or ("?" if self.call.output is None or self.call.output is UNKNOWN else "-")
        return name if self.count == 1 else f"{self.count} x {name}"


def rows_of(trace: Trace, *, depth: int | None = None, fold: bool = True) -> list[Row]:
    """The rows of a trace, in the order of execution; `depth` is the number of levels to show."""
    return list(_Layout(trace, depth, fold).rows())


class _Layout:
    """Lays out the tree of calls in one pass."""

    def __init__(self, trace: Trace, depth: int | None, fold: bool) -> None:
        self.trace = trace
        self.depth = depth
        self.fold = fold
        self.faults = faults_of(trace)
        self.tied = tied_by_path(trace)

    def rows(self) -> Iterator[Row]:
        yield from self.level(self.trace.root.children, "", "")

    def level(self, calls: list[Call], parent: str, guide: str, several: bool = False) -> Iterator[Row]:
        """The rows of siblings; where `several` modules run in one step, each row says which one it is of."""
        groups = runs(calls, self.faults) if self.fold else [[call] for call in calls]
        for number, group in enumerate(groups):
            is_last = number == len(groups) - 1
            here = guide + ("└ " if is_last else "├ ") if parent else ""
            below = guide + ("  " if is_last else "│ ") if parent else ""
            call = group[0]
            shown = self.depth is None or call.depth + 1 < self.depth
            children = call.children if shown else []
            yield self.row(group, "" if several else parent, here, hidden=not shown, several=several)
            if children:
                many = sum(operation.run is not None for operation in call.operations) > 1
                yield from self.level(children, call.name, below, several=many)

    def row(self, group: list[Call], parent: str, guide: str, hidden: bool, several: bool) -> Row:
        first, last = group[0], group[-1]
        names: tuple[str, ...] = (_named_path(first) if several else _shown_name(first, parent),)
        if len(group) > 1:
            names = (f"{names[0]} … {_shown_name(last, parent)}", f"{names[0]} … {last.name}")
        tied = tied_in(first, self.tied)
        faults = [self.faults.get(id(call)) for call in (first.walk() if hidden else (first,))]
        return Row(
            call=first,
            last=last,
            count=len(group),
            names=names,
            guide=guide,
            parameters=sum((call.parameters - tied_in(call, self.tied) for call in group), 0),
            macs=sum((per_sample(call.macs) for call in group), 0),
            least_parameters=first.partial_parameters,
            least_macs=first.partial_macs,
            tied=tied != 0,
            fault="error" if "error" in faults else "warning" if "warning" in faults else None,
        )


def _shown_name(call: Call, parent: str) -> str:
    """A step's name; a number gets the name of the nearest parent that has one."""
    return ".".join(call.path.split(".")[-2:]) if parent and call.name.isdigit() else call.name


def _named_path(call: Call) -> str:
    """The end of a step's path that begins with a name: `heads.0`, `heads.0.1`."""
    parts = call.path.split(".")
    start = next((index for index in reversed(range(len(parts) - 1)) if not parts[index].isdigit()), 0)
    return ".".join(parts[start:])


def faults_of(trace: Trace) -> dict[int, Severity]:
    """The calls at fault, by id, each with the severity of its worst problem."""
    found: dict[int, Severity] = {}
    if not trace.problems:
        return found
    by_path: dict[str, Call] = {}
    for call in trace.root.walk():
        by_path.setdefault(call.path, call)
    for problem in trace.problems:
        place = _call_at(problem, by_path)
        if place is not None and found.get(id(place)) != "error":
            found[id(place)] = problem.severity
    return found


def _call_at(problem: Problem, by_path: dict[str, Call]) -> Call | None:
    """The innermost call that contains the place of a problem."""
    span = problem.span
    if span is None:
        return None
    parent = by_path.get(problem.frames[-1].text) if problem.frames else by_path[""]
    if parent is None:
        return None
    for call in reversed(parent.children):
        own = call.span
        if own.source is span.source and own.start <= span.start and span.end <= own.end:
            return call
    return parent if problem.frames else None


def tied_parameters(trace: Trace) -> dict[str, Size]:
    """The tied parameters, with the number of elements of each.

    Not those of a module that has another name before: the step that names it again counts none.
    """
    return {row.name: row.count for row in trace.parameters if row.tied_to is not None and not row.is_other_name}


def tied_by_path(trace: Trace) -> dict[str, Size]:
    """The number of tied elements at and below each path."""
    sums: dict[str, Size] = {}
    for name, count in tied_parameters(trace).items():
        path = name
        while path:
            sums[path] = sums.get(path, 0) + count
            path = path.rpartition(".")[0]
    return sums


def tied_in(call: Call, tied: dict[str, Size]) -> Size:
    """The number of tied elements in a call's parameters; `tied` comes from `tied_by_path`."""
    return 0 if call.reused else tied.get(call.path, 0)
