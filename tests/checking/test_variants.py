"""Every variant is checked; what is wrong in all of them is told once."""

import pytest

import nnshape

TEMPLATE = """
input: 8
hparams: {{width: {base}, out: 4}}
variants:
  small: {{width: 8}}
  wide: {{width: {wide}}}
layers:
  a: Linear(width, 4)
  b: Linear({b}, 3)
"""


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"base": 8, "wide": 8, "b": 4}, []),
        ({"base": 8, "wide": 8, "b": 5}, [(8, "")]),
        ({"base": 8, "wide": 9, "b": 4}, [(7, "only in the variant wide")]),
        ({"base": 9, "wide": 9, "b": 4}, [(7, "only without a variant and in the variant wide")]),
        (
            {"base": 9, "wide": 10, "b": 4},
            [(7, "the numbers are those without a variant; they differ in the variant wide")],
        ),
    ],
)
def test_a_problem_names_the_variants_that_have_it(project, checked, values, wanted):
    project(m_yaml=TEMPLATE.format(**values))
    report = checked()
    assert [(finding.problem.span.line, finding.note) for _, finding in report.findings] == wanted
    assert report.summary.startswith("1 spec, 2 variants checked; ")


def test_two_faults_of_one_run_at_one_place_stay_two(project, checked):
    project(
        m_yaml="""
        input: 8
        hparams: {w: 5}
        variants: {v: {w: 6}}
        blocks:
          B():
            fc: Linear(w, 3)
        layers:
          one: B()
          two: B()
    """
    )
    report = checked()
    assert [(f.problem.message.split(",")[0], f.note.partition(";")[0]) for _, f in report.findings] == [
        ("fc wants 5 features", "the numbers are those without a variant"),
        ("fc wants 5 features", "the numbers are those without a variant"),
    ]


def test_a_file_without_variants_says_nothing_of_them(project, checked):
    project(m_yaml="input: 8\nlayers:\n  a: Linear(7, 4)\n")
    (finding,) = [finding for _, finding in checked().findings]
    assert finding.note == ""
    assert finding.with_note() is finding.problem


def test_assertions_and_expectations_are_checked(project, told):
    project(
        m_yaml="""
        input: 8
        layers:
          a: Linear(8, 4)  -> 5
        expect: {parameters: 7}
    """
    )
    assert told() == [("m.yaml", 3, "unexpected-shape"), ("m.yaml", 4, "over-budget")]


def test_the_real_modules_are_asked(project, told, monkeypatch):
    from nnshape import modules
    from nnshape.modules import Verification
    from nnshape.problems import Problem

    project(m_yaml="input: 8\nlayers:\n  a: Linear(8, 4)\n  b: ReLU()\n")

    def verify(trace, device, modes):
        assert modes == ("evaluation", "training")
        wrong = Problem("torch-disagrees", "torch has another shape", trace.spec.body.steps[0].span)
        return Verification(device, "2", 2, 36, False, (wrong,), ("b",))

    monkeypatch.setattr(modules, "verify", verify)
    assert told(device="meta") == [("m.yaml", 3, "torch-disagrees"), ("m.yaml", 4, "unproved")]
    assert told(device="none") == []


def test_a_crash_is_told_and_the_other_files_are_checked(project, checked, monkeypatch):
    monkeypatch.delenv("NNSHAPE_TRACEBACK", raising=False)
    project(a_yaml="input: 8\nlayers:\n  a: ReLU()\n", b_yaml="input: 8\nname: broken\nlayers:\n  a: ReLU()\n")
    trace = nnshape.trace

    def crash(spec, **options):
        if spec.name == "broken":
            raise ZeroDivisionError("by zero")
        return trace(spec, **options)

    monkeypatch.setattr(nnshape, "trace", crash)
    report = checked()
    assert [(outcome.name, outcome.crash) for outcome in report.outcomes] == [
        ("a.yaml", ""),
        ("b.yaml", "ZeroDivisionError: by zero"),
    ]
    assert report.summary == "1 spec checked; 1 file could not be checked"
