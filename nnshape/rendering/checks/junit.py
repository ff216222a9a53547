"""A JUnit report for Jenkins, GitLab and others: one suite per file, one failed case per error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from nnshape.rendering.checks.locations import file_of
from nnshape.rendering.checks.texts import message_of, whole_text
from nnshape.rendering.problems import place_of
from nnshape.rendering.visible import guarded, in_text, in_xml, visible

if TYPE_CHECKING:
    from nnshape.checking import Outcome, Report
    from nnshape.rendering.formats import View

# The characters that XML 1.0 does not allow in any form (section 2.2, Char).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report, view: View) -> str:
    """The suites in the order of the files; warnings and requirements are the output of a case that passes."""
    root = ElementTree.Element("testsuites", name="nnshape")
    tests = failures = errors = 0
    for outcome in report.outcomes:
        suite = _suite(outcome)
        tests += int(suite.get("tests", 0))
        failures += outcome.errors
        errors += bool(outcome.crash)
        root.append(suite)
    for name, number in (("tests", tests), ("failures", failures), ("errors", errors)):
        root.set(name, str(number))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return guarded(f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n', in_xml)


def _suite(outcome: Outcome) -> ElementTree.Element:
    name = _clean(outcome.name)
    suite = ElementTree.Element("testsuite", name=name)
    warnings = []
    for finding in outcome.findings:
        problem = finding.problem
        place = _clean(file_of(outcome, finding))
        at = "" if problem.span is None else f" at {problem.span.line}:{problem.span.column}"
        if problem.severity == "warning":
            warnings.append(f"{place}{at}: warning[{problem.kind}]: {whole_text(finding)}")
            continue
        case = ElementTree.SubElement(suite, "testcase", name=f"{problem.kind}{at}", classname=name, file=place)
        if problem.span is not None:
            case.set("line", str(problem.span.line))
        failure = ElementTree.SubElement(case, "failure", type=problem.kind, message=message_of(finding))
        failure.text = f"{place}{at}: error[{problem.kind}]: {whole_text(finding)}"
    if outcome.crash:
        case = ElementTree.SubElement(suite, "testcase", name="internal error", classname=name, file=name)
        ElementTree.SubElement(case, "error", type="internal-error", message=visible(outcome.crash))
    needs = [_clean(f"{place_of(need.span)}: {visible(need.message)}") for need in outcome.needs]
    if not len(suite) or warnings or needs:
        title = "warnings" if warnings else "needs" if len(suite) else "shapes"
        case = ElementTree.SubElement(suite, "testcase", name=title, classname=name, file=name)
        if warnings or needs:
            ElementTree.SubElement(case, "system-out").text = "\n".join([*warnings, *needs])
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(outcome.errors))
    suite.set("errors", "1" if outcome.crash else "0")
    suite.set("skipped", "0")
    return suite


def _clean(text: str) -> str:
    return _NO_XML.sub(lambda found: in_text(found[0]), text)
