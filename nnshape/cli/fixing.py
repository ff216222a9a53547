"""`--fix` and `--diff`: write the safe fixes of a spec to its file, or show them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from nnshape.problems import SpecError
from nnshape.rendering.styled import Line
from nnshape.tracing import Trace

if TYPE_CHECKING:
    from nnshape.checking.discovery import SpecFile
    from nnshape.fixes import FixedText


def fixed(trace: Trace) -> tuple[Trace, list[Line]]:
    """Write the safe fixes to the file of a trace; returns the new trace and a report. Raises SpecError."""
    from nnshape.fixes import apply_fixes, rewrite

    result = apply_fixes(trace)
    if not result.fixes:
        return trace, [[(_nothing_to_fix(trace), "dim")]] if trace.errors else []
    rewrite(trace.spec.source, result.text)
    return result.trace, _told(trace, result)


def _nothing_to_fix(trace: Trace) -> str:
    others = {problem.span.source.name for problem in trace.errors if problem.span is not None}
    others -= {trace.spec.source.name}
    if others:
        return f"nothing to fix here: {' and '.join(sorted(others))} is included, and --fix writes only the file itself"
    return "nothing to fix: no problem here has a safe fix"


def _mark_of(name: str) -> str:
    """The byte order mark of a file: the text lacks it, but its first line has it."""
    with contextlib.suppress(OSError, ValueError):
        if os.path.isfile(name):  # not a pipe, which has been read
            with open(name, "rb") as file:
                return "\ufeff" if file.read(3) == b"\xef\xbb\xbf" else ""
    return ""


def difference(trace: Trace) -> str:
    """The safe fixes of a trace as a unified diff; empty if there are none."""
    from nnshape.fixes import apply_fixes, unified_diff

    source = trace.spec.source
    mark = _mark_of(source.name)
    return unified_diff(mark + source.text, mark + apply_fixes(trace).text, source.name)


def fixed_files(candidates: Iterable[SpecFile], *, write: bool) -> tuple[tuple[SpecFile, ...], str, list[Line], bool]:
    """Make the safe fixes of many files, in place if `write`.

    Returns the files to check, the diff, a report, and whether every file was written.
    """
    from nnshape.fixes import rewrite, unified_diff
    from nnshape.rendering.problems import problems_lines
    from nnshape.spec import source_of_text

    after: list[SpecFile] = []
    differences: list[str] = []
    lines: list[Line] = []
    written = True
    for candidate in candidates:
        before = candidate.source
        for trace, result in _fixed_variants(candidate):
            source = trace.spec.source
            if write:
                try:
                    rewrite(source, result.text)
                except SpecError as error:
                    lines += problems_lines(error.problems, 100)
                    written = False
                    break
                lines += _told(trace, result)
            candidate = replace(candidate, source=source_of_text(result.text, source.name))
        if before is not None and candidate.source is not None:
            mark = _mark_of(before.name)
            differences.append(unified_diff(mark + before.text, mark + candidate.source.text, before.name))
        after.append(candidate)
    return tuple(after), "".join(differences), lines, written


def _fixed_variants(candidate: SpecFile) -> Iterator[tuple[Trace, FixedText]]:
    """The traces with safe fixes, and the fixed texts: without a variant, then with each, cumulatively."""
    import nnshape
    from nnshape.fixes import Search, apply_fixes
    from nnshape.spec.files import folder_of_file
    from nnshape.spec.reader import read_spec

    source = candidate.source
    if source is None:
        return
    try:
        spec = read_spec(source, None if candidate.root is None else folder_of_file(source.name, candidate.root))
        search = Search()
        for variant in (None, *spec.variants):
            if search.ended is not None:
                return
            trace = nnshape.trace(spec, variant=variant)
            result = apply_fixes(trace, search) if trace.errors else None
            if result is not None and result.fixes:
                yield trace, result
                spec = result.trace.spec
    except SpecError:
        return  # the check itself will report it


def _told(trace: Trace, result: FixedText) -> list[Line]:
    name = trace.spec.source.name
    return [[("fixed", "good"), (f" {name}:{fix.edits[0].span.line}: {fix.shown}", "")] for fix in result.fixes]
