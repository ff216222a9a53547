"""File names that no format may stumble over, and messages that end lines, in every format."""

from __future__ import annotations

import json
import os
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from nnshape.checking import Finding, Outcome, Report
from nnshape.problems import Label, Problem
from nnshape.rendering.formats import View, format_of
from nnshape.rendering.styled import painted
from nnshape.spec import Source, Span

NAMES = ["a b.yaml", "100%.yaml", "%0A.yaml", "a#b.yaml", "a:b,c.yaml", "größe 世界.yaml", "a\nb.yaml", "a\tb.yaml",
         "a\r\nb.yaml", "<&>\"'.yaml", "::error::.yaml", "]]>.yaml", "a?b&c=d.yaml", "-.yaml", "a\\b.yaml"]  # fmt: skip
TEXTS = [
    "two\nlines", "a\r\nb", "::error file=x::y", "100% %0A", "a\u2028b\x85c\vd\fe", "<b>&amp;]]>", "\ud800\x00\x1b[0m",
]  # fmt: skip


def rendered(name: str, report: Report):
    return format_of("check", name).render(report, View(80, os.getcwd()))


def report_of(name: str, text: str) -> Report:
    source = Source(name, "é: 𐐀 fault\n")
    problem = Problem(
        "size-mismatch", text, Span(source, 5, 10), text, (Label(Span(source, 0, 1), text),), (), (text,), (text,)
    )
    return Report((Outcome(name, source, (), (Finding(problem),)),))


@pytest.fixture(params=[(name, "plain") for name in NAMES] + [("a.yaml", text) for text in TEXTS], ids=ascii)
def hostile(request) -> tuple[str, Report]:
    name, text = request.param
    return name, report_of(name, text)


def loaded(text: str):
    """As it goes through a file, where half of a surrogate pair is not allowed."""
    return json.loads(text.encode("utf-8", "backslashreplace"))


def test_sarif(hostile):
    name, report = hostile
    (run,) = loaded(rendered("sarif", report))["runs"]
    (result,) = run["results"]
    for location in (*result["locations"], *result["relatedLocations"]):
        artifact = location["physicalLocation"]["artifactLocation"]
        assert re.fullmatch(r"(?:[A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-F]{2})+", artifact["uri"])
        assert (unquote(artifact["uri"]), artifact["uriBaseId"]) == (name, "%SRCROOT%")
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startColumn"], region["endColumn"]) == (7, 12), "in UTF-16 code units"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_junit(hostile):
    name, report = hostile
    root = ElementTree.fromstring(rendered("junit", report).encode("utf-8"))
    cases = root.findall("testsuite/testcase")
    assert [root.get(key) for key in ("tests", "failures", "errors")] == [str(len(cases)), "1", "0"]
    (failure,) = (case[0] for case in cases)
    assert (failure.tag, bool(failure.get("message")), bool(failure.text)) == ("failure", True, True)
    assert root.find("testsuite").get("name") == name


def test_github(hostile):
    name, report = hostile
    text = rendered("github", report)
    (line,) = re.split(r"[\n\r\v\f\x85\u2028\u2029]", text.removesuffix("\n"))
    match = re.fullmatch(r"::error ([^:]*)::(.*)", line, re.DOTALL)
    properties = dict(part.split("=", 1) for part in match[1].split(","))
    assert unquote(properties["file"]) == name
    assert (properties["line"], properties["col"], properties["endColumn"]) == ("1", "6", "11")
    assert not re.search(r"%(?!25|0A|0D)", match[2]), "in a message only percent and line ends are escaped"


def test_gitlab(hostile):
    name, report = hostile
    (issue,) = loaded(rendered("gitlab", report))
    assert issue["location"] == {"path": name, "lines": {"begin": 1, "end": 1}}
    assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
    assert re.fullmatch("[0-9a-f]{32}", issue["fingerprint"])


def test_rdjson(hostile):
    name, report = hostile
    (diagnostic,) = loaded(rendered("rdjson", report))["diagnostics"]
    assert diagnostic["location"]["path"] == name
    # Bytes of UTF-8, the end left out: https://github.com/reviewdog/reviewdog/blob/master/proto/rdf/reviewdog.proto
    assert diagnostic["location"]["range"] == {"start": {"line": 1, "column": 10}, "end": {"line": 1, "column": 15}}


def test_json_and_concise(hostile):
    name, report = hostile
    assert loaded(rendered("json", report))["files"][0]["file"] == name
    lines = painted(rendered("concise", report), False).split("\n")
    assert len(lines) == 3, "a line a problem, the sum, and the end"
