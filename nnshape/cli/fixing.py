"""What `--fix` and `--diff` do: the safe fixes of a spec, written to its file, or shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from nnshape.problems import SpecError
from nnshape.render.styled import Line
from nnshape.trace import Trace

if TYPE_CHECKING:
    from nnshape.checking.discovery import Candidate
    from nnshape.fixes import Settled


def fixed(trace: Trace) -> tuple[Trace, list[Line]]:
    """Make the safe fixes of a trace's file, and trace it again; says what was done. Raises SpecError."""
    from nnshape.fixes import rewrite, settled

    result = settled(trace)
    if not result.fixes:
        return trace, [[("nothing to fix: no problem here has a safe fix", "dim")]] if trace.errors else []
    rewrite(trace.spec.source, result.text)
    return result.trace, _told(trace, result)


def difference(trace: Trace) -> str:
    """The safe fixes of a trace's file as a unified diff; empty where there are none."""
    from nnshape.fixes import settled, unified_diff

    source = trace.spec.source
    return unified_diff(source.text, settled(trace).text, source.name)


def settled_candidates(
    candidates: Iterable[Candidate], *, write: bool
) -> tuple[tuple[Candidate, ...], str, list[Line]]:
    """Make the safe fixes of many files, in place if `write`: what is then to check, the diff, what was done."""
    from nnshape.fixes import rewrite, unified_diff
    from nnshape.render.problems import problems_lines
    from nnshape.spec import source_of_text

    after: list[Candidate] = []
    differences: list[str] = []
    lines: list[Line] = []
    for candidate in candidates:
        for trace, result in _settled_variants(candidate):
            source = trace.spec.source
            if write:
                try:
                    rewrite(source, result.text)
                except SpecError as error:
                    lines += problems_lines(error.problems, 100)
                    break
            lines += _told(trace, result) if write else []
            candidate = replace(candidate, source=source_of_text(result.text, source.name))
            differences.append(unified_diff(source.text, result.text, source.name))
        after.append(candidate)
    return tuple(after), "".join(differences), lines


def _settled_variants(candidate: Candidate) -> Iterable[tuple[Trace, Settled]]:
    """The file's first run that has safe fixes, with them: without a variant, or in one."""
    from nnshape.fixes import settled
    from nnshape.spec.files import folder_of_file
    from nnshape.spec.reader import read_spec
    from nnshape.trace import trace_spec

    source = candidate.source
    if source is None:
        return
    try:
        spec = read_spec(source, folder_of_file(source.name) if candidate.in_folder else None)
        for variant in (None, *spec.variants):
            trace = trace_spec(spec, variant=variant)
            result = settled(trace) if trace.errors else None
            if result is not None and result.fixes:
                yield trace, result
                return
    except SpecError:
        return  # the check itself will say why


def _told(trace: Trace, result: Settled) -> list[Line]:
    name = trace.spec.source.name
    return [[("fixed", "good"), (f" {name}:{fix.edits[0].span.line}: {fix.shown}", "")] for fix in result.fixes]
