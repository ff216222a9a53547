"""What is left out of a report: by comments, by settings; and comments that leave out nothing."""

import pytest

from nnshape.checking import NO_CONFIG, Settings, check, find_specs, stdin_spec
from nnshape.checking.comments import ignores
from nnshape.spec import limits, source_of_text


def found(text: str):
    return [
        (ignore.first, ignore.last, None if ignore.kinds is None else [kind for kind, _ in ignore.kinds])
        for ignore in ignores(source_of_text(text))
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: b  # nnshape: ignore\n", [(1, 1, None)]),
        ("a: b  # nnshape: ignore[size-mismatch]\n", [(1, 1, ["size-mismatch"])]),
        ("a: b  #nnshape:ignore[x,y , z]\n", [(1, 1, ["x", "y", "z"])]),
        ("a: b  # why  # nnshape: ignore [x]\n", [(1, 1, ["x"])]),
        ("a: b  # nnshape: ignore[]\n", [(1, 1, [])]),
        ("# nnshape: ignore\na: b\n", [(1, 1, None)]),
        ("a: (b\n  c)  # nnshape: ignore\n", [(1, 2, None)]),
        ("a: 'b\n  c'  # nnshape: ignore\nd: e\n", [(1, 2, None)]),
        ("a: {b: c,  # nnshape: ignore\n  d: e}\n", [(1, 1, None)]),
        ("é: 𐐀  # nnshape: ignore\n", [(1, 1, None)]),
        ("a: 'b  # nnshape: ignore'\n", []),
        ('a: "b\n  # nnshape: ignore"\n', []),
        ("a: |\n  b\n  # nnshape: ignore\n", []),
        ("a: |\n  b\n# nnshape: ignore\n", [(3, 3, None)]),
        ("a: b# nnshape: ignore\n", []),
        ("a: b  # nnshape: ignored\n", []),
        ("a: b  # nnshape: ignore-all\n", []),
        ("a: b  # nnshape: ignore[x\n", []),
        ("a: b  # do not write nnshape: ignore\n", []),
        ("a: b\r\nc: d  # nnshape: ignore\r\n", [(2, 2, None)]),
        ("a: b  # nnshape: ignore\nc: [\nd: e  # nnshape: ignore\n}", [(1, 1, None), (3, 3, None)]),
        ("a: b  # nnshape: ignore\nc: 'd\ne: f  # nnshape: ignore\n", [(1, 1, None)]),
    ],
)
def test_comments(text, wanted):
    assert found(text) == wanted


def test_a_comment_leaves_out_the_problem_of_its_line(project, told):
    project(
        a_yaml="input: 8\nlayers:\n  a: Linear(7, 4)  # nnshape: ignore[size-mismatch]\n  b: Linear(5, 4)\n",
        b_yaml="input: 8\nlayers:\n  a: Linear(7, 4)  # nnshape: ignore\n",
        c_yaml="input: 8\nlayers:\n  a: Linear(7,\n    4)  # nnshape: ignore[size-mismatch, wrong-rank]\n",
    )
    assert told() == [("a.yaml", 4, "size-mismatch"), ("c.yaml", 4, "unused-ignore")]


def test_a_comment_that_leaves_out_nothing_is_told(project, checked):
    project(
        a_yaml="""
        input: 8
        layers:
          a: Linear(8, 4)  # nnshape: ignore[size-mismatch]
          b: ReLU()        # nnshape: ignore[torch-disagrees]
          c: ReLU()        # nnshape: ignore[wrong-rnk]
          d: ReLU()        # nnshape: ignore
          e: ReLU()        # nnshape: ignore[wrong-rank, unused-ignore]
    """
    )
    problems = [finding.problem for _, finding in checked().findings]
    assert [(p.span.line, p.span.text, p.severity) for p in problems] == [
        (3, "size-mismatch", "warning"),
        (5, "wrong-rnk", "warning"),
    ]
    assert problems[1].help == ("did you mean wrong-rank?",)


def test_what_only_a_proof_can_say_is_told_after_a_proof(project, told):
    project(
        a_yaml="""
        input: 8
        layers:
          b: ReLU()        # nnshape: ignore[torch-disagrees]
          d: ReLU()        # nnshape: ignore
    """
    )
    assert told() == []
    assert told(device="meta") == [("a.yaml", 3, "unused-ignore"), ("a.yaml", 4, "unused-ignore")]


def test_a_fault_in_an_included_file_is_told_once_and_ignored_there(project, told):
    project(
        lib_yaml="blocks:\n  B():\n    fc: Linear(7, 3)\n",
        a_yaml="input: 8\ninclude: {lib: lib.yaml}\nlayers:\n  a: lib.B()\n",
        b_yaml="input: 8\ninclude: {lib: lib.yaml}\nlayers:\n  a: lib.B()\n",
    )
    assert told() == [("lib.yaml", 3, "size-mismatch")]
    project(lib_yaml="blocks:\n  B():\n    fc: Linear(7, 3)  # nnshape: ignore[size-mismatch]\n")
    assert told() == []


def test_a_fault_of_a_file_that_is_checked_itself_is_told_there(project, checked):
    project(
        z_yaml="input: 8\nlayers:\n  fc: Linear(7, 3)\n",
        a_yaml="input: 8\ninclude: {z: z.yaml}\nlayers:\n  a: z()\n",
    )
    assert [(outcome.name, len(outcome.findings)) for outcome in checked().outcomes] == [("a.yaml", 0), ("z.yaml", 1)]


def test_settings_ignore_kinds_everywhere_and_by_file(project, told):
    wrong = "input: 8\nlayers:\n  a: Linear(7, 4)\n  b: Nix()\n"
    project(
        pyproject_toml='[tool.nnshape]\nignore = ["unknown-layer"]\nper-file-ignores = {"old/*" = ["size-mismatch"]}\n',
        old__a_yaml=wrong,
        new__a_yaml=wrong,
    )
    assert told() == [("new/a.yaml", 3, "size-mismatch")]
    assert told("old/a.yaml") == []


@pytest.mark.parametrize(("others", "ignored"), [(limits.PROBLEMS - 1, True), (limits.PROBLEMS, False)])
def test_so_many_comments_suppress_problems_and_no_more(project, told, others, ignored):
    comments = "# nnshape: ignore[unused-ignore]\n" * others
    project(a_yaml=f"{comments}input: 8\nlayers:\n  a: Linear(7, 4)  # nnshape: ignore[size-mismatch]\n")
    assert told() == ([] if ignored else [("a.yaml", others + 3, "size-mismatch")])


def test_no_config_disregards_comments_and_their_warnings(project):
    project(
        a_yaml="input: 8\nlayers:\n  a: Linear(7, 4)  # nnshape: ignore\n",
        b_yaml="input: 8\nlayers:\n  a: ReLU()  # nnshape: ignore[size-mismatch]\n",
    )
    specs = find_specs(["."], NO_CONFIG, lambda: stdin_spec(None))
    report = check(specs.candidates, NO_CONFIG, device="none")
    assert [finding.problem.kind for _, finding in report.findings] == ["size-mismatch"]
    assert report.ignored == ()
    specs = find_specs(["."], Settings(), lambda: stdin_spec(None))
    report = check(specs.candidates, Settings(), device="none")
    assert [finding.problem.kind for _, finding in report.findings] == ["unused-ignore"]
    assert report.ignored == (("a.yaml", 1),)
