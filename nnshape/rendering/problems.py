"""Renders problems as text: the message, source lines, the calls that led there, and help."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nnshape.problems import Fix, Problem
from nnshape.rendering.amounts import counted
from nnshape.rendering.excerpt import Mark, excerpt_lines
from nnshape.rendering.styled import Line, cells
from nnshape.rendering.visible import visible

if TYPE_CHECKING:
    from nnshape.problems import Label
    from nnshape.spec import Source, Span

#: The maximum number of calls to show on the way to a fault; those in the middle are omitted.
_FRAMES = 6
#: The minimum width of wrapped text.
_MIN_ROOM = 20


def problem_text(problem: Problem) -> str:
    """A problem in one line: `lenet.yaml:11:15: error[size-mismatch]: fc1 wants 400 features, but 576 arrive`."""
    place = problem.place if problem.span is None else place_of(problem.span)
    return visible(f"{place}: " * bool(place) + f"{problem.severity}[{problem.kind}]: {problem.message}")


def problem_lines(problem: Problem, width: int) -> list[Line]:
    """One problem with its source lines."""
    style = problem.severity
    lines: list[Line] = [[(f"{problem.severity}[{problem.kind}]", style), (f": {problem.message}", "head")]]
    span = problem.span
    if span is None:
        place = problem.place
        if problem.argument:
            place = f"the option {place}" if place else f"the argument {problem.argument}"
        if place:
            lines.append([("  --> ", "dim"), (place, "")])
    else:
        lines += _excerpts(problem, span, width)
        lines += _frame_lines(problem.frames, span.source)
    for text in help_of(problem):
        lines += _labelled("help", text, "help", width)
    for text in problem.notes:
        lines += _labelled("note", text, "head", width)
    return lines


def help_of(problem: Problem) -> tuple[str, ...]:
    """The help of a problem: its fixes, then its own text."""
    return (*_fix_texts(problem.fixes), *problem.help)


def _fix_texts(fixes: Sequence[Fix]) -> tuple[str, ...]:
    """Each fix in one line, with their code aligned; a question says it all."""
    asked = tuple([fix.description for fix in fixes if fix.description.endswith("?")])
    fixes = [fix for fix in fixes if not fix.description.endswith("?")]
    descriptions = [("or " if number else "") + fix.description + ":" for number, fix in enumerate(fixes, len(asked))]
    width = max(map(len, descriptions), default=0)
    shown = max((len(fix.shown) for fix in fixes if fix.because), default=0)
    lines = []
    for description, fix in zip(descriptions, fixes, strict=True):
        line = f"{description:<{width}}   {fix.shown}"
        lines.append(f"{line:<{width + 3 + shown}}      {fix.because}" if fix.because else line)
    return (*asked, *lines)


def problems_lines(problems: Iterable[Problem], width: int) -> list[Line]:
    """Several problems, errors first, separated by empty lines."""
    lines: list[Line] = []
    for problem in sorted(problems, key=lambda problem: problem.severity != "error"):
        if lines:
            lines.append(())
        lines += problem_lines(problem, width)
    return lines


def problem_count(problems: Iterable[Problem]) -> str:
    """The numbers of errors and warnings: `2 errors and 1 warning`."""
    found = list(problems)
    errors = sum(problem.severity == "error" for problem in found)
    texts = [counted(errors, "error")] if errors else []
    if len(found) > errors:
        texts.append(counted(len(found) - errors, "warning"))
    return " and ".join(texts) or "no problems"


def _excerpts(problem: Problem, span: Span, width: int) -> list[Line]:
    """The source of the fault, then each other source that explains it."""
    by_source: dict[int, tuple[Source, list[Mark]]] = {}
    for mark in (Mark(span, problem.label, True), *(Mark(label.span, label.text) for label in problem.related)):
        marks = by_source.setdefault(id(mark.span.source), (mark.span.source, []))[1]
        if mark not in marks:
            marks.append(mark)
    gutter = max(len(str(mark.span.line)) for _, marks in by_source.values() for mark in marks)
    lines: list[Line] = []
    for source, marks in by_source.values():
        lines.append([(" " * gutter + "--> ", "dim"), (place_of(marks[0].span), "")])
        lines.append([(" " * gutter + " |", "dim")])
        lines += excerpt_lines(source, marks, width, problem.severity, gutter)
    return lines


def place_of(span: Span) -> str:
    """A place in the form that editors and terminals link: `lenet.yaml:11:15`."""
    return f"{span.source.name}:{span.line}:{span.column}"


def _frame_lines(frames: tuple[Label, ...], source: Source) -> list[Line]:
    """The calls that led to the fault, the innermost first."""
    lines: list[Line] = []
    inside_out = frames[::-1]
    left_out = len(inside_out) - _FRAMES
    for index, frame in enumerate(inside_out):
        if left_out > 0 and _FRAMES // 2 <= index < len(inside_out) - _FRAMES // 2:
            if index == _FRAMES // 2:
                lines.append([("  … ", "dim"), (f"{counted(left_out, 'call')} between", "dim")])
            continue
        line = f"line {frame.span.line}" if frame.span.source is source else place_of(frame.span)
        text = f"in {frame.text}, called from {line}" if " " not in frame.text else f"{frame.text}: {line}"
        lines.append([("  = ", "dim"), (text, "")])
    return lines


def _labelled(word: str, text: str, style: str, width: int) -> list[Line]:
    indent = " " * (len(word) + 2)
    first, *others = [part for line in text.split("\n") for part in _wrapped(visible(line), width - len(indent))]
    return [[(word, style), (f": {first}", "")], *([(indent + line, "")] for line in others)]


def _wrapped(text: str, width: int) -> list[str]:
    """Help or a note, wrapped to this width; an edit or torch's message stays whole, so that it can be copied."""
    if cells(text) <= width or text.startswith("torch says: "):
        return [text]
    what, gap, edit = text.partition(":   ")
    if gap:
        return [f"{what}:", f"  {edit.lstrip()}"]
    from textwrap import wrap  # few messages are this long

    return wrap(text, max(width, _MIN_ROOM), break_long_words=False, break_on_hyphens=False)
