"""Each format read back by what reads it: nothing lost, nothing that breaks its reader."""

from __future__ import annotations

import json
import os
import re
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import jsonschema
import pytest

import nnshape
from nnshape.checking import Finding, Outcome, Report, Settings, Skipped, check
from nnshape.checking.discovery import SpecFile
from nnshape.problems import Label, Problem
from nnshape.problems.kinds import kind_names
from nnshape.problems.pages import kind_of
from nnshape.rendering.checks.locations import path_from, uri_of
from nnshape.rendering.formats import FORMATS, View, format_names, format_of
from nnshape.rendering.styled import painted
from nnshape.spec import Source, Span

ROOT = Path(__file__).parents[3]
NASTY = "dir with, comma/we%ird: \u00f1\U00010400 #1?<&>'\".yaml"
#: Two characters outside the first plane before the fault, so that characters, UTF-16 and UTF-8 count differently.
TEXT = (
    "input: 8\nlayers:\n  \U00010400x: Linear(8, 4)\n"
    "  fc: {type: Linear, in_features: 7, out_features: 3}  # \U00010400\n"
    "  \U00010400y: Linear(9, 2)\n"
)


def rendered(name: str, report: Report, root: str | None = None):
    return format_of("check", name).render(report, View(80, root or os.getcwd()))


@pytest.fixture
def report():
    skipped = Skipped("values.yaml", "not-a-spec", "it has no layers"), Skipped("old", "excluded", "x", True, "x.toml")
    return check([SpecFile(NASTY, Source(NASTY, TEXT))], Settings(), device="none", skipped=skipped)


def made(*problems: Problem, name: str = NASTY, source: Source | None = None, crash: str = "") -> Report:
    return Report((Outcome(name, source, (), tuple(map(Finding, problems)), crash=crash),))


SOURCE = Source(NASTY, "a: \U00010400\u00e9 b\r\nc: d\r\n")
#: From `b` on the first line to its end, and over both lines.
INLINE, ACROSS = Span(SOURCE, 6, 7), Span(SOURCE, 3, 13)
EVIL = "100%: a,b\r\n::error::x\x00\x1b[31m]]> <b> & \u2028 \ud800"
PROBLEMS = (
    Problem("size-mismatch", EVIL, INLINE, EVIL, (Label(ACROSS, EVIL),), (Label(INLINE, EVIL),), (EVIL,), (EVIL,)),
    Problem("swallows-batch", "a warning", ACROSS, severity="warning"),
    Problem("unreadable", "no place", place="gone.yaml"),
)


def test_full_and_concise(report):
    text = painted(rendered("full", report), False)
    assert text.endswith("1 spec checked; 2 problems in 1 file; 1 file is not a spec; 1 folder excluded by x.toml\n")
    assert f" --> {NASTY}:4:35\n" in text
    lines = painted(rendered("concise", report), False).splitlines()
    assert lines[0] == f"{NASTY}:4:35: error[size-mismatch]: fc wants 7 features, but 4 arrive"
    evil = painted(rendered("concise", made(*PROBLEMS)), False)
    assert len(evil.splitlines()) == 4, "a line a problem, whatever it says"
    assert "\x1b" not in evil


def test_json(report):
    answer = json.loads(rendered("json", report))
    assert answer["version"] == 1
    (file,) = answer["files"]
    assert file["file"] == NASTY
    assert (file["traced"], file["proved"], file["internal_error"]) == (True, False, None)
    assert [problem["kind"] for problem in file["problems"]] == ["size-mismatch", "size-mismatch"]
    assert (file["problems"][0]["span"]["line"], file["problems"][0]["span"]["column"]) == (4, 35)
    assert answer["totals"] == {
        "specs": 1, "variants": 0, "errors": 2, "warnings": 0, "unchecked": 0, "passed_over": 1, "ignored": 0,
    }  # fmt: skip
    assert answer["left_out"] == {
        "skipped": [
            {"path": "values.yaml", "folder": False, "why": "not-a-spec", "reason": "it has no layers", "by": None},
            {"path": "old", "folder": True, "why": "excluded", "reason": "x", "by": "x.toml"},
        ],
        "ignored": [],
    }
    assert (answer["settings"], answer["strict"]) == (None, False)


def github_commands(text: str):
    """The commands as the runner reads them (actions/runner, ActionCommand.TryParseV2)."""
    commands = []
    for line in re.split(r"\r\n|\r|\n", text.removesuffix("\n")):
        match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line, re.DOTALL)
        assert match, line
        properties = dict(part.split("=", 1) for part in match[2].split(","))
        for name, value in properties.items():
            for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
                value = value.replace(escape, character)
            properties[name] = value
        data = match[3].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        commands.append((match[1], properties, data))
    return commands


def test_github(report):
    (level, properties, data), _ = github_commands(rendered("github", report))
    assert level == "error"
    assert properties == {
        "title": "nnshape: size-mismatch", "file": NASTY, "line": "4", "endLine": "4", "col": "35", "endColumn": "36",
    }  # fmt: skip
    assert data.startswith("fc wants 7 features, but 4 arrive\n")


def test_github_escapes_and_leaves_out_columns_over_several_lines():
    first, second, third = github_commands(rendered("github", made(*PROBLEMS)))
    assert first[2].startswith("100%: a,b ::error::x\\x00\\x1b[31m]]> <b> & \\ud800\n")
    assert first[1]["file"] == NASTY
    assert (second[0], "col" in second[1], second[1]["endLine"]) == ("warning", False, "2")
    assert third[1] == {"title": "nnshape: unreadable", "file": "gone.yaml"}
    assert rendered("github", made()) == ""


def test_paths_begin_at_the_root_of_the_repository(monkeypatch, tmp_path):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    problem = Problem("syntax", "x", place="a.yaml")
    assert "file=sub/a.yaml" in rendered("github", made(problem), str(tmp_path))
    assert path_from(str(tmp_path / "other"), "a.yaml") == (tmp_path / "sub/a.yaml").as_posix()
    assert path_from("/", "a.yaml").startswith(tmp_path.as_posix()[1:])
    assert path_from(".", "<stdin>") == "<stdin>"


def test_gitlab(report):
    issues = json.loads(rendered("gitlab", report))
    assert {
        "description": "fc wants 7 features, but 4 arrive",
        "check_name": "size-mismatch",
        "severity": "major",
        "location": {"path": NASTY, "lines": {"begin": 4, "end": 4}},
    }.items() <= issues[0].items()
    assert json.loads(rendered("gitlab", made())) == []
    evil = json.loads(rendered("gitlab", made(*PROBLEMS, PROBLEMS[2])).encode("utf-8", "backslashreplace"))
    assert [issue["severity"] for issue in evil] == ["major", "minor", "major", "major"]
    assert len({issue["fingerprint"] for issue in evil}) == 4, "equal problems are told apart"


def test_a_fingerprint_stays_when_lines_are_added_above():
    def fingerprints(text: str) -> list[str]:
        report = check([SpecFile("a.yaml", Source("a.yaml", text))], Settings(), device="none")
        return [issue["fingerprint"] for issue in json.loads(rendered("gitlab", report))]

    assert fingerprints(TEXT) == fingerprints("# new\n\n" + TEXT)
    assert fingerprints(TEXT) != fingerprints(TEXT.replace("7, out", "6, out"))


def test_junit(report):
    root = ElementTree.fromstring(rendered("junit", report).encode())
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "2", "2", "0")
    (suite,) = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == (NASTY, "2", "2")
    case = suite[0]
    assert (case.tag, case.get("name"), case.get("classname"), case.get("line")) == (
        "testcase", "size-mismatch at 4:35", NASTY, "4",
    )  # fmt: skip
    assert case[0].tag == "failure"
    assert (case[0].get("type"), case[0].get("message")) == ("size-mismatch", "fc wants 7 features, but 4 arrive")


def test_junit_holds_only_what_xml_can():
    root = ElementTree.fromstring(rendered("junit", made(*PROBLEMS)).encode())
    texts = "".join(root.itertext()) + "".join(value for node in root.iter() for value in node.attrib.values())
    assert "error::x\\x00\\x1b[31m" in texts
    assert "]]> <b> &" in texts
    (suite,) = root
    assert [case.get("name") for case in suite] == ["size-mismatch at 1:7", "unreadable", "warnings"]
    assert "warning[swallows-batch]: a warning" in suite[2].findtext("system-out")
    clean, broken = made(name="b.yaml"), made(name="b.yaml", crash="it\x00broke")
    assert ElementTree.fromstring(rendered("junit", clean)).find("testsuite/testcase").get("name") == "shapes"
    assert ElementTree.fromstring(rendered("junit", broken)).get("errors") == "1"


def exactly(required: dict, optional: dict | None = None) -> dict:
    """A schema of an object with these properties and no other."""
    properties = {**required, **(optional or {})}
    return {
        "type": "object", "properties": properties, "required": list(required), "additionalProperties": False
    }  # fmt: skip


def listed(items: dict) -> dict:
    return {"type": "array", "items": items, "uniqueItems": True}


WORD, URI = {"type": "string", "minLength": 1}, {"type": "string", "format": "uri"}
COUNT = {"type": "integer", "minimum": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
MESSAGE = exactly({"text": WORD})
LOCATION = exactly(
    {"physicalLocation": exactly(
        {"artifactLocation": exactly({"uri": WORD}, {"uriBaseId": WORD})},
        {"region": exactly({"startLine": COUNT, "startColumn": COUNT, "endLine": COUNT, "endColumn": COUNT})},
    )},
    {"id": {"type": "integer", "minimum": 0}, "message": MESSAGE},
)  # fmt: skip
RULE = exactly({
    "id": WORD, "name": {"type": "string", "pattern": "^([A-Z][a-z]+)+$"}, "shortDescription": MESSAGE,
    "helpUri": {"type": "string", "pattern": "^https://"},
    "fullDescription": MESSAGE, "help": exactly({"text": WORD, "markdown": WORD}),
    "defaultConfiguration": exactly({"level": LEVEL}), "properties": {"type": "object"},
})  # fmt: skip
REGION = exactly({"startLine": COUNT, "startColumn": COUNT, "endLine": COUNT, "endColumn": COUNT})
REPLACEMENT = exactly({"deletedRegion": REGION, "insertedContent": exactly({"text": {"type": "string"}})})
FIX = exactly({
    "description": MESSAGE,
    "artifactChanges": {"type": "array", "minItems": 1, "items": exactly({
        "artifactLocation": exactly({"uri": WORD}, {"uriBaseId": WORD}),
        "replacements": {"type": "array", "minItems": 1, "items": REPLACEMENT},
    })},
})  # fmt: skip
RESULT = exactly(
    {
        "ruleId": WORD, "ruleIndex": {"type": "integer", "minimum": 0}, "level": LEVEL, "message": MESSAGE,
        "locations": {**listed(LOCATION), "minItems": 1},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "properties": {"type": "object"},
    },
    {"relatedLocations": listed(LOCATION), "fixes": listed(FIX)},
)  # fmt: skip
NOTIFICATION = exactly({"level": LEVEL, "message": MESSAGE, "locations": listed(LOCATION)})
#: What the public schema of SARIF 2.1.0 says of the properties that nnshape writes.
SARIF = exactly({
    "$schema": URI, "version": {"const": "2.1.0"},
    "runs": listed(exactly({
        "tool": exactly({"driver": exactly({
            "name": WORD, "version": WORD, "informationUri": URI, "rules": listed(RULE),
        })}),
        "columnKind": {"const": "utf16CodeUnits"},
        "invocations": listed(exactly(
            {"executionSuccessful": {"type": "boolean"}}, {"toolExecutionNotifications": listed(NOTIFICATION)}
        )),
        "results": {"type": "array", "items": RESULT},
    })),
})  # fmt: skip


def sarif(report: Report, root: str | None = None) -> dict:
    """The one run, held against what the schema requires."""
    log = json.loads(rendered("sarif", report, root).encode("utf-8", "backslashreplace"))
    jsonschema.Draft7Validator(SARIF).validate(log)
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("nnshape", nnshape.__version__)
    assert f'Source = "{driver["informationUri"]}"' in (ROOT / "pyproject.toml").read_text("utf-8")
    rules = [rule["id"] for rule in driver["rules"]]
    assert tuple(rules) == kind_names()
    for rule in driver["rules"]:
        kind = kind_of(rule["id"])
        assert rule["shortDescription"]["text"] == kind.sentence
        assert rule["defaultConfiguration"]["level"] == kind.severity
        assert rule["name"].lower() == rule["id"].replace("-", "")
        assert rule["help"]["markdown"].startswith(kind.sentence)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        for location in (*result["locations"], *result.get("relatedLocations", ())):
            artifact = location["physicalLocation"]["artifactLocation"]
            assert re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@/%-]*", artifact["uri"]), "the characters of RFC 3986"
            assert not re.search(r"%(?![0-9A-F]{2})", artifact["uri"])
            assert (artifact.get("uriBaseId") == "%SRCROOT%") is not bool(urlsplit(artifact["uri"]).scheme)
            region = location["physicalLocation"].get("region")
            if region:
                assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
    return run


def test_sarif(report):
    run = sarif(report)
    result = run["results"][0]
    assert (result["ruleId"], result["level"]) == ("size-mismatch", "error")
    assert result["message"]["text"].startswith("fc wants 7 features, but 4 arrive\n")
    place = result["locations"][0]["physicalLocation"]
    assert unquote(place["artifactLocation"]["uri"]) == NASTY
    assert place["region"] == {"startLine": 4, "startColumn": 35, "endLine": 4, "endColumn": 36}
    assert run["columnKind"] == "utf16CodeUnits"
    other = run["results"][1]["locations"][0]["physicalLocation"]["region"]
    assert (other["startLine"], other["startColumn"]) == (5, 15), "the character before it takes two units"


def test_sarif_of_evil_texts():
    run = sarif(made(*PROBLEMS, source=SOURCE))
    first, second, third = run["results"]
    region = first["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 1, "startColumn": 8, "endLine": 1, "endColumn": 9}
    assert [item["id"] for item in first["relatedLocations"]] == [0, 1]
    assert (second["level"], second["locations"][0]["physicalLocation"]["region"]["endLine"]) == ("warning", 2)
    assert "region" not in third["locations"][0]["physicalLocation"]


#: An embedded link as section 3.11.6 has it, and as a viewer finds one that knows of no escapes.
LINK = re.compile(r"\[((?:[^\[\]\\]|\\.)*)\]\([^()]*\)"), re.compile(r"\[[^\]]*\]\([^)]+\)")
PLACEHOLDER = re.compile(r"\{\d+\}")


def shown_by_a_viewer(text: str) -> str:
    """A plain text message as a viewer shows it, in which no link and no placeholder may be."""
    assert not any(link.search(text) for link in LINK)
    without = text.replace("{{", "").replace("}}", "")
    assert not PLACEHOLDER.search(without)
    assert not set(without) & set("{}")
    return text.replace("{{", "{").replace("}}", "}")


@pytest.mark.parametrize(
    "text",
    [
        "[all is well](https://evil.example)", "[](sarif:/runs/0)", "[a](1)", "[[a](0)", "[a]](0)", "[a\\](0)",
        "[a\\](0)](1)",
        "![a](https://evil.example/x.png)", "]([a](0)", "[a](b)(c)[d](e)", "{0}", "{{0}}", "{{{0}}}",
        "}{0}{", "{0", "steps[4](x)",
    ],
)  # fmt: skip
def test_no_text_becomes_a_link_or_a_placeholder_in_sarif(text):
    problem = Problem(
        "size-mismatch", text, INLINE, text, (Label(ACROSS, text),), (Label(INLINE, text),), (text,), (text,)
    )
    run = sarif(made(problem, crash=text))
    (result,) = run["results"]
    places = [place["message"]["text"] for place in result["relatedLocations"]]
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    shown = [*map(shown_by_a_viewer, places), shown_by_a_viewer(notification["message"]["text"])]
    assert shown == [text.replace("](", "] (")] * 3
    assert shown_by_a_viewer(result["message"]["text"]).count(text.replace("](", "] (")) == 5


def test_a_link_and_a_placeholder_would_be_seen():
    for text in ("[a](b)", "[a\\]b](c)", "{0}", "a {{{1} b"):
        with pytest.raises(AssertionError):
            shown_by_a_viewer(text)


def test_sarif_outside_of_the_root_and_after_a_crash(tmp_path):
    run = sarif(made(Problem("syntax", "x", place="a b.yaml"), crash="oh"), str(tmp_path))
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith("file:///")
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"] == {"text": "oh"}


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/\u00e9.yaml", "a%20b/%C3%A9.yaml"),
        ("a%20.yaml", "a%2520.yaml"),
        ("a#b?c.yaml", "a%23b%3Fc.yaml"),
        ("a:b.yaml", "a%3Ab.yaml"),
        ("/x/a.yaml", "file:///x/a.yaml"),
        ("C:/x y.yaml", "file:///C:/x%20y.yaml"),
        ("<stdin>", "%3Cstdin%3E"),
        ("\udcff.yaml", "%FF.yaml"),
    ],
)
def test_uris(path, uri):
    assert uri_of(path) == uri


def test_rdjson(report):
    answer = json.loads(rendered("rdjson", report))
    assert set(answer) == {"source", "severity", "diagnostics"}
    assert (answer["source"]["name"], answer["severity"]) == ("nnshape", "ERROR")
    first, second = answer["diagnostics"]
    keys = {"message", "location", "severity", "code", "suggestions", "original_output"}
    assert set(first) == keys, "reviewdog refuses keys that it does not know"
    assert first["location"] == {
        "path": NASTY,
        "range": {"start": {"line": 4, "column": 35}, "end": {"line": 4, "column": 36}},
    }
    assert (first["severity"], first["code"]) == ("ERROR", {"value": "size-mismatch"})
    assert second["location"]["range"]["start"] == {"line": 5, "column": 17}, "four bytes stand before it"


def test_rdjson_of_warnings():
    answer = json.loads(rendered("rdjson", made(PROBLEMS[1])))
    assert answer["severity"] == answer["diagnostics"][0]["severity"] == "WARNING"
    assert json.loads(rendered("rdjson", made())) == {"source": {"name": "nnshape"}, "diagnostics": []}


def test_every_format_has_a_renderer_and_a_test():
    tests = Path(__file__).read_text("utf-8")
    assert all(f"def test_{name}" in tests or name in ("full", "concise") for name in format_names("check"))
    for form in FORMATS:
        module, _, function = form.renderer.partition(":")
        assert form.name == "table" or callable(getattr(import_module(f"nnshape.rendering.{module}"), function))


def test_a_format_that_a_command_does_not_have_is_no_other_one():
    for command, name in (("check", "table"), ("inspect", "sarif"), ("check", "toml"), ("layer", "csv"), ("check", "")):
        with pytest.raises(KeyError):
            format_of(command, name)
    assert len({(form.command, form.name) for form in FORMATS}) == len(FORMATS)


def test_the_options_and_the_help_offer_the_formats_of_the_table(run_help):
    for command in ("check", "inspect", "params"):
        assert "|".join(format_names(command)) in "".join(run_help(command).split())


@pytest.fixture
def run_help(capsys, monkeypatch):
    from nnshape.cli import main

    monkeypatch.setenv("COLUMNS", "200")

    def run_help(command: str) -> str:
        assert main([command, "--help"]) == 0
        return capsys.readouterr().out

    return run_help
