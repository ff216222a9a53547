"""What is wrong with an argument of `nnshape.trace`, in Python's words; the command line has its own."""

from __future__ import annotations

import pytest

import nnshape
from nnshape.rendering.problems import problems_lines
from nnshape.rendering.styled import painted

SPEC = """name: M
input: {x: '3xH'}
hparams: {width: 4}
variants: {wide: {width: [8, 2], H: 7}}
layers:
  a: ReLU()
"""


def refused(**arguments):
    with pytest.raises(nnshape.SpecError) as caught:
        nnshape.trace(nnshape.loads(SPEC), **arguments)
    return caught.value.problems


@pytest.mark.parametrize(
    ("argument", "value", "kind"),
    [
        ("variant", "wid", "unknown-name"),
        ("variant", 3, "unknown-name"),
        ("input", {"y": "3x8"}, "unknown-name"),
        ("input", ["3x8", "3x8"], "unknown-name"),
        ("input", "3xx", "syntax"),
        ("overrides", {"widht": 3}, "unknown-name"),
        ("overrides", {"width": "[1"}, "syntax"),
        ("overrides", {"N": 0}, "wrong-type"),
        ("overrides", {"H": "a"}, "wrong-type"),
    ],
)
def test_a_wrong_argument_is_told_by_the_name_of_the_parameter(argument, value, kind):
    (problem,) = refused(**{argument: value})
    assert (problem.argument, problem.kind, problem.place) == (argument, kind, "")
    said = painted(problems_lines([problem], 80), False)
    assert f"--> the argument {argument}" in said or f"--> <{argument}>:1:" in said
    assert "--" not in said.replace("--> ", "")


def test_a_device_is_an_argument_too():
    with pytest.raises(nnshape.SpecError) as caught:
        nnshape.verify(nnshape.trace(nnshape.loads(SPEC)), "tpu")
    assert [problem.argument for problem in caught.value.problems] == ["device"]


def test_a_shape_that_is_parsed_already():
    from nnshape.spec import parse_shape

    trace = nnshape.trace(nnshape.loads(SPEC), input={"x": parse_shape("3x9", "mine")})
    assert str(trace.output) == str(nnshape.trace(nnshape.loads(SPEC), input="3x9").output)


def included(tmp_path, call: str, variants: str = "{wide: {width: 8, H: 7}}"):
    (tmp_path / "part.yaml").write_text(
        f"input: '3xH'\nhparams: {{width: 4}}\nvariants: {variants}\nlayers:\n  a: Linear(auto, width)\n"
    )
    (tmp_path / "m.yaml").write_text(f"input: 3x6\ninclude: {{p: part.yaml}}\nlayers:\n  a: {call}\n")
    return nnshape.trace(tmp_path / "m.yaml")


def test_the_variant_of_an_included_file_sets_its_hparams_and_not_the_sizes_that_arrive(tmp_path):
    trace = included(tmp_path, "p(variant='wide')")
    assert not trace.problems
    assert trace.output.shape[1:] == (3, 8)
    (problem,) = included(tmp_path, "p(variant='wide', H=9)").problems
    assert problem.message.endswith("has no hparam H: it has width")


def test_a_variant_that_is_not_there_is_refused_alike_everywhere(tmp_path):
    (problem,) = included(tmp_path, "p(variant='wid')").problems
    assert (problem.kind, problem.message) == ("unknown-name", "part has no variant wid: it has wide")
    assert refused(variant="wid")[0].message == "M has no variant wid: it has wide"
    for other in ("[1]", "3", "_", "(1, 2)"):
        assert [problem.kind for problem in included(tmp_path, f"p(variant={other})").problems] == ["unknown-name"]


def test_a_name_that_an_included_variant_sets_in_vain_is_told_once(tmp_path):
    (problem,) = included(tmp_path, "p(variant='wide')", "{wide: {widht: 8}}").problems
    assert problem.message == "widht is neither an hparam nor a size of this file"
