"""Fixes: each one offered was tried, and holds on the real modules; the safe ones are made to the byte."""

from pathlib import Path

import pytest

import nnshape
from nnshape.fixes import Search, apply_fixes, edited, explained, fixes, searching, unified_diff
from nnshape.fixes.editing import Edit, moved, unmoved
from nnshape.fixes.fixers import Fixer
from nnshape.fixes.trying import Trials
from nnshape.spec import Source, Span
from nnshape.work import Budget, bounded

CASES = sorted((Path(__file__).parents[1] / "cases" / "errors").glob("*.yaml"))


def of(text: str) -> nnshape.Trace:
    return nnshape.trace(nnshape.loads(text))


def shown(text: str) -> list[str]:
    return [f"{fix.description}: {fix.shown}" for fix in fixes(of(text))]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_fix_that_is_offered_makes_the_real_modules_run(path):
    try:
        trace = nnshape.trace(path)
    except nnshape.SpecError:
        return
    for fix in fixes(trace):
        after = of(edited(trace.spec.source.text, fix.edits))
        assert len(after.errors) <= len(trace.errors) - (fix.problem.severity == "error"), fix
        if not after.errors:
            for device in ("meta", "cpu"):
                verification = nnshape.verify(after, device)
                assert verification.agree, (fix.shown, verification.sentence)
                assert not verification.reason


def test_the_drawing_of_the_design():
    text = next(path for path in CASES if path.stem == "linear_features").read_text()
    assert [(fix.description, fix.shown, fix.because, fix.safe) for fix in fixes(of(text))] == [
        ("match the input", "fc1: Linear(576, 120)", "", True),
        ("make 400 arrive", "conv2: Conv2d(6, 16, 5)", "16 * 5 * 5 = 400", False),
    ]


def test_at_most_three_a_problem_and_the_public_name():
    trace = of("input: 3x57x57\nlayers:\n  a: MaxPool2d(2)\n  b: ConvTranspose2d(3, 3, 2, 2)\n  c: cat((x, b), 1)\n")
    found = nnshape.find_fixes(trace)
    assert 2 <= len(found) <= 3
    assert {fix.problem for fix in found} == {trace.problems[0]}


def test_a_clean_model_needs_none():
    assert fixes(of("input: 8\nlayers:\n  a: Linear(8, 4)\n")) == ()


def test_what_is_expected_rules_out_a_fix_that_breaks_it():
    text = "input: 8\nlayers:\n  a: Linear(8, 6)\n  b: Linear(4, 2)\nexpect: {parameters: %d}\n"
    assert [fix.shown for fix in fixes(of(text % (8 * 6 + 6 + 6 * 2 + 2)))] == ["b: Linear(6, 2)"]
    assert [fix.shown for fix in fixes(of(text % (8 * 4 + 4 + 4 * 2 + 2)))] == ["a: Linear(8, 4)"]


def test_an_assertion_rules_out_a_fix_that_breaks_it():
    text = "input: 8\nlayers:\n  a: Linear(8, 6)  -> 6\n  b: Linear(4, 2)\n"
    assert [fix.shown for fix in fixes(of(text))] == ["b: Linear(6, 2)"]


def test_a_fix_may_take_the_layer_below_along():
    text = "input: 8\nlayers:\n  a: LayerNorm(6)\n  b: Linear(6, 2)\n"
    assert "match the input: a: LayerNorm(8), b: Linear(8, 2)" in shown(text)
    assert not [fix for fix in fixes(of(text)) if fix.safe]


def test_where_a_step_is_missing_the_argument_is_not_taken_for_wrong(wrong):
    trace = of("input: 16x5x5\nlayers:\n  fc: Linear(400, 10)\n")
    assert [fix.shown for fix in fixes(trace)] == ["flatten: Flatten(), above fc"]
    assert apply_fixes(trace).fixes == ()


def test_a_step_is_put_in_with_the_line_ends_and_the_indent_of_the_file():
    text = "input: 16x5x5\r\nlayers:\r\n    fc: Linear(400, 10)\r\n"
    fix = fixes(of(text))[0]
    assert edited(text, fix.edits) == text.replace("    fc", "    flatten: Flatten()\r\n    fc")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("input: 16x5x5\nlayers:\n- ReLU()\n- Linear(400, 10)\n", "- ReLU()\n- Flatten()\n- Linear"),
        ("input: 16x5x5\nlayers:\n  h: Sequential(ReLU(), Linear(400, 10))\n", "Sequential(ReLU(), Flatten(), Linear"),
        ("input: 16x5x5\nlayers:\n  flatten: ReLU()\n  fc: Linear(400, 10)\n", "  flatten2: Flatten()\n  fc"),
        ("input: 16x5x5\nlayers:\n  a: ReLU()\n  fc: Linear(400, 10)(a)\n", "Linear(400, 10)(a.flatten(1))"),
    ],
)
def test_a_missing_step_is_written_as_its_neighbours_are(text, after):
    trace = of(text)
    assert after in edited(text, fixes(trace)[0].edits)


def test_the_safe_fixes_are_made_and_all_else_is_kept_to_the_byte(wrong, mended):
    result = apply_fixes(of(wrong))
    assert result.text == mended
    assert [fix.shown for fix in result.fixes] == [
        "conv1: Conv2d( 1, 6, 5 )", "fc1: Linear(1176, 120)", "fc2: Linear(120, 10)"
    ]  # fmt: skip
    assert not result.trace.errors


def test_a_fix_that_harms_another_variant_is_not_made():
    text = (
        "input: 8\nhparams: {d: 8}\nvariants: {small: {d: 6}, large: {d: 8}}\n"
        "layers:\n  a: Linear(8, d)\n  b: Linear(6, 2)\n"
    )
    assert apply_fixes(of(text)).fixes == ()


def test_an_included_file_is_never_edited(tmp_path):
    (tmp_path / "part.yaml").write_text("blocks:\n  B():\n    fc: Linear(7, 4)\n")
    (tmp_path / "model.yaml").write_text("input: 8\ninclude: {p: part.yaml}\nlayers:\n  a: p.B()\n")
    trace = nnshape.trace(tmp_path / "model.yaml")
    assert trace.errors
    assert all(edit.span.source is trace.spec.source for fix in fixes(trace) for edit in fix.edits)


def test_the_work_is_bounded_however_large_the_model_is(calls_of):
    layers = "".join(f"  l{i}: Linear(16, 16)\n" for i in range(3000))
    text = f"input: 16\nlayers:\n{layers}  last: Linear(17, 4)\n"
    trace = of(text)
    assert calls_of(lambda: fixes(trace)) < 30 * calls_of(lambda: of(text))
    assert fixes(trace)
    with bounded(Budget(trace.work)):
        assert Trials(trace).exhausted


def test_a_search_that_ends_early_says_so(monkeypatch):
    text = "input: 4\nlayers:\n" + "".join(f"  l{i}: Linear({17 + i}, 16)(x)\n" for i in range(9))
    notes = [problem.notes[1:] for problem in explained(of(text))]
    assert notes == [()] * 9
    trace = of(text)
    monkeypatch.setattr(searching, "FIXING", 9 * trace.work)
    monkeypatch.setattr(searching, "FIXING_A_CALL", 0)
    told = explained(trace)
    (ended,) = [
        place for place, problem in enumerate(told) if any("search for fixes ended" in n for n in problem.notes)
    ]
    assert 0 < ended < 8
    assert all(problem.fixes for problem in told[:ended])
    assert not any(problem.fixes for problem in told[ended + 1 :])


def test_the_variants_of_a_file_share_one_search(calls_of):
    text = "input: 4\nhparams: {h: 1}\nlayers:\n" + "".join(f"  l{i}: Linear({17 + i}, 16)(x)\n" for i in range(9))
    trace = of(text)
    search = Search()
    first = search.fixes(trace)
    spent = search.budget.spent
    assert first
    assert search.fixes(of(text)) == ()
    assert search.budget.spent == spent


def test_a_search_that_fails_says_so_at_its_problem(monkeypatch):
    def broken(trace, context):
        raise KeyError("x")

    monkeypatch.setattr(searching, "FIXERS", (Fixer(broken),))
    (problem,) = explained(of("input: 4\nlayers:\n  a: Linear(5, 3)\n"))
    assert "the search for fixes failed, which is a bug of nnshape: KeyError: 'x'" in problem.notes


def test_hundreds_of_problems_are_not_all_searched():
    layers = "".join(f"  l{i}: Linear({17 + i}, 16)\n" for i in range(300))
    trace = of(f"input: 16\nlayers:\n{layers}")
    assert len(trace.errors) == 300
    assert len({fix.problem for fix in fixes(trace)}) <= 20


def test_offsets_move_with_the_edits():
    source = Source("<text>", "abcdefgh")
    edits = (Edit(Span(source, 1, 2), "BBB"), Edit(Span(source, 4, 4), "+"), Edit(Span(source, 6, 8), ""))
    after = edited(source.text, edits)
    assert after == "aBBBcd+ef"
    for offset in (0, 2, 3, 4, 5):
        assert after[moved(offset, edits)] == source.text[offset]
        assert unmoved(moved(offset, edits), edits) == offset
    assert unmoved(2, edits) is None


def test_a_diff_is_as_diff_writes_it(wrong, mended):
    text = unified_diff(wrong, mended, "model.yaml")
    assert text.startswith("--- model.yaml\n+++ model.yaml\n@@ ")
    assert "-  conv1: Conv2d( 3,  6, 5 )   # how many channels?\n+  conv1: Conv2d( 1,  6, 5 )" in text
    assert unified_diff(wrong, wrong, "model.yaml") == ""
    assert "\\ No newline at end of file" in unified_diff("a", "b", "m")


def test_a_map_at_a_classifier_wants_a_flatten_and_its_size():
    text = "input: 64x6x6\nlayers:\n  a: ReLU()\n  out: Linear(128, 4)\n"
    (fix,) = fixes(of(text))
    assert (fix.because, fix.safe) == ("64 * 6 * 6 = 2304", False)
    assert edited(text, fix.edits) == text.replace("  out: Linear(128", "  flatten: Flatten()\n  out: Linear(2304")
    text = "input: 64x6x6\nlayers:\n  a: Sequential(ReLU(), Linear(128, 4))\n"
    (fix,) = fixes(of(text))
    assert edited(text, fix.edits) == text.replace("Linear(128", "Flatten(), Linear(2304")


def test_a_layer_norm_of_the_channels_wants_them_last():
    text = "input: 96x14x14\nlayers:\n  ln: LayerNorm(96)\n  c: Conv2d(96, 8, 3)\n"
    (fix,) = fixes(of(text))
    assert edited(text, fix.edits) == text.replace(
        "  ln: LayerNorm(96)\n",
        "  channels_last: permute(0, 2, 3, 1)\n  ln: LayerNorm(96)\n  channels_first: permute(0, 3, 1, 2)\n",
    )


def test_no_fix_changes_an_hparam_or_restricts_the_batch():
    text = "input: 8\nhparams: {classes: 10}\nlayers:\n  a: Linear(8, classes)\n  b: Linear(12, 4)\n"
    assert not any("classes" in fix.shown and "hparams" in fix.shown for fix in fixes(of(text)))
    for fix in fixes(of("input: {a: 8, b: 6}\nlayers:\n  s: a + b\n")):
        after = of(edited("input: {a: 8, b: 6}\nlayers:\n  s: a + b\n", fix.edits))
        assert not [needed for needed in after.constraints if "N" in str(needed)]


def test_an_edit_that_two_fixers_propose_is_offered_once(monkeypatch):
    trace = of("input: 4x6\nlayers:\n  t: transpose(1, 2)\n  v: t.view(N, 24)\n")
    offered = [fix.edits for fix in fixes(trace)]
    assert len(offered) == 2
    monkeypatch.setattr(searching, "FIXERS", tuple(fixer for fixer in searching.FIXERS for _ in range(2)))
    assert [fix.edits for fix in fixes(trace)] == offered
