"""The edits of a fix, read back from each format as its readers do, and what models need, in every format."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

import nnshape
from nnshape.checking import Report, Settings, check
from nnshape.checking.discovery import SpecFile
from nnshape.checking.outcome_json import outcome_of, record_of
from nnshape.rendering.formats import View, format_names, format_of
from nnshape.rendering.styled import painted
from nnshape.spec import Source

#: Each has one fault, and characters of two UTF-16 units and four bytes before the place of the edit.
TEXTS = {
    "an argument": (
        "input: 8\nlayers:\n  \U00010400\u00e9: ReLU()\n"
        "  fc: {type: Linear, from: \U00010400\u00e9, in_features: 7, out_features: 3}\n"
    ),
    "an inserted line": (
        "input: 16x5x5\r\nlayers:\r\n  \U00010400: ReLU()\r\n  fc: Linear(400, 10) # \U00010400\r\n"
    ),
    "a removed and an inserted line": (
        "input: 1x28x28\nlayers:\n  flatten: Flatten()\n  conv: Conv2d(1, 8, 3)\n  act: ReLU()\n"
        "  fc: Linear(5408, 10)\n"
    ),
    "a misspelt name": "input: 8\nlayers:\n  \U00010400: ReLU()\n  fc: Linaer(8, 3)(\U00010400)\n",
    "a warning": "input: {a: [N, 1], b: [N]}\nlayers:\n  loss: MSELoss()(a, b)\n",
}  # fmt: skip


def report_of(text: str, name: str = "a model.yaml") -> Report:
    return check([SpecFile(name, Source(name, text))], Settings(), device="none")


def rendered(form: str, report: Report) -> str:
    made = format_of("check", form)
    answer = made.render(report, View(80, os.getcwd()))
    return painted(answer, False) if made.language == "lines" else answer


def from_json(text: str, answer: str) -> list[str]:
    (file,) = json.loads(answer)["files"]
    after = []
    for fix in file["problems"][0]["fixes"]:
        changed = text
        for edit in sorted(fix["edits"], key=lambda edit: -edit["start"]):
            assert edit["file"] == file["file"]
            changed = changed[: edit["start"]] + edit["text"] + changed[edit["end"] :]
        after.append(changed)
    return after


def offset(text: str, line: int, column: int, encoding: str, width: int) -> int:
    """The offset of a column that counts units of an encoding."""
    start = sum(len(part) for part in text.splitlines(keepends=True)[: line - 1])
    return start + len(text[start:].encode(encoding)[: (column - 1) * width].decode(encoding))


def from_sarif(text: str, answer: str) -> list[str]:
    (run,) = json.loads(answer)["runs"]
    after = []
    for fix in run["results"][0]["fixes"]:
        (change,) = fix["artifactChanges"]
        place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert change["artifactLocation"] == place
        changed = text
        for item in sorted(change["replacements"], key=lambda item: -item["deletedRegion"]["startLine"]):
            region = item["deletedRegion"]
            start, end = (
                offset(text, region[f"{side}Line"], region[f"{side}Column"], "utf-16-le", 2)
                for side in ("start", "end")
            )
            changed = changed[:start] + item["insertedContent"]["text"] + changed[end:]
        after.append(changed)
    return after


def from_rdjson(text: str, answer: str) -> list[str]:
    after = []
    for suggestion in json.loads(answer)["diagnostics"][0]["suggestions"]:
        start, end = (
            offset(text, place["line"], place["column"], "utf-8", 1)
            for place in (suggestion["range"]["start"], suggestion["range"]["end"])
        )
        after.append(text[:start] + suggestion["text"] + text[end:])
    return after


READERS = {"json": from_json, "sarif": from_sarif, "rdjson": from_rdjson}


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("case", TEXTS)
def test_the_edits_of_each_format_make_the_model_clean(case, form):
    text = TEXTS[case]
    before = nnshape.trace(nnshape.loads(text))
    assert len(before.problems) == 1
    mended = READERS[form](text, rendered(form, report_of(text)))
    assert mended
    for after in mended:
        assert after != text
        assert nnshape.trace(nnshape.loads(after)).problems == ()


def test_the_short_text_comes_first_and_the_long_one_apart():
    report = report_of(TEXTS["an inserted line"])
    problem = json.loads(rendered("json", report))["files"][0]["problems"][0]
    assert "\n" not in problem["message"]
    assert problem["rendered"].startswith(f"error[size-mismatch]: {problem['message']}\n --> a model.yaml:4:14\n")
    assert problem["fixes"][0]["description"] == "flatten the map first"
    assert problem["fixes"][0]["shown"] == "flatten: Flatten(), above fc"
    result = json.loads(rendered("sarif", report))["runs"][0]["results"][0]
    assert result["message"]["text"].split("\n")[0] == problem["message"]
    assert result["properties"]["rendered"] == problem["rendered"]
    diagnostic = json.loads(rendered("rdjson", report))["diagnostics"][0]
    assert diagnostic["message"].split("\n")[0] == problem["message"]
    assert diagnostic["original_output"] == problem["rendered"]


def test_inspect_has_the_edits_too():
    text = TEXTS["an inserted line"].replace("\r\n", "\n")
    (problem,) = json.loads(nnshape.render(nnshape.trace(text), "json"))["problems"]
    edit = problem["fixes"][0]["edits"][0]
    assert {"start", "end", "text", "file", "line", "column"} <= set(edit)
    assert text[: edit["start"]] + edit["text"] + text[edit["end"] :] == text.replace(
        "  fc", "  flatten: Flatten()\n  fc"
    )


def test_the_cache_keeps_fixes_and_requirements():
    text = "input: 3xHxW\nvariants: {a: {H: 32}}\nlayers:\n  c: Conv2d(3, 4, 5)\n  d: Conv2d(8, 4, 1)\n"
    (outcome,) = report_of(text).outcomes
    assert outcome.findings[0].problem.fixes
    assert [need.message for need in outcome.needs] == [
        "needs H, W >= 5 (only without a variant)",
        "needs W >= 5 (only in the variant a)",
    ]
    again = outcome_of(json.loads(json.dumps(record_of(outcome))), outcome.source)
    assert again.needs == outcome.needs
    for one, two in zip(outcome.findings, again.findings, strict=True):
        assert replace(one.problem, fixes=()) == replace(two.problem, fixes=())
        assert [(fix.description, fix.edits, fix.shown, fix.because, fix.safe) for fix in one.problem.fixes] == [
            (fix.description, fix.edits, fix.shown, fix.because, fix.safe) for fix in two.problem.fixes
        ]


@pytest.mark.parametrize("form", format_names("check"))
def test_every_format_has_warnings_and_requirements(form):
    text = "input: {a: 8, b: 3xHx8}\nlayers:\n  norm: BatchNorm1d(8)(a)\n  conv: Conv2d(3, 4, 5)(b)\n"
    answer = rendered(form, report_of(text))
    assert "H >= 5" in answer.replace("&gt;", ">")
    assert ("norm fails in training" if form == "gitlab" else "fails-in-training") in answer


def test_what_only_a_run_tells_is_no_requirement():
    (outcome,) = report_of("input: 8xT\nlayers:\n  a: nonzero(x)\n  b: a[:3]\n  c: Conv1d(8, 4, 3)(x)\n").outcomes
    assert [need.message for need in outcome.needs] == ["needs T >= 3"]


def test_the_requirements_of_json():
    (file,) = json.loads(rendered("json", report_of("input: 3xHxW\nlayers:\n  c: Conv2d(3, 4, 5)\n")))["files"]
    assert file["constraints"] == ["H, W >= 5"]
    assert file["requirements"][0]["text"] == "H, W >= 5"
    assert (file["requirements"][0]["span"]["line"], file["requirements"][0]["variants"]) == (3, None)
    (run,) = json.loads(rendered("sarif", report_of("input: 3xHxW\nlayers:\n  c: Conv2d(3, 4, 5)\n")))["runs"]
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert [(note["level"], note["message"]["text"]) for note in notes] == [("note", "needs H, W >= 5")]
    assert run["results"] == []
