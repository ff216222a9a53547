"""Names that mean something else in a built module, in its code or in Python: renamed in the code, or refused."""

import copy
import pickle

import pytest
import torch

from nnshape import SpecError, build, loads, trace, verify
from nnshape.modules.building import taken_names
from nnshape.spec.naming_rules import MODULE_ATTRIBUTES

#: Names that fx or the code of a forward method uses itself, or that differ from another by its number or case.
HARMLESS = [
    "self", "y_1", "add", "add_1", "relu", "Relu", "RELU", "device", "inf", "nan", "NoneType", "torch", "math",
    "operator", "fx_pytree", "pytree", "output", "input", "placeholder", "root", "getattr", "getattr_1", "size",
    "size_1", "print", "list", "len", "super", "match", "case", "int", "range", "T", "H", "shape", "args", "kwargs",
    "é", "_1", "math_ceil", "torch_sym_min",
]  # fmt: skip
#: A name as a step, as an input, as a block's input and tensor, and as one that a body takes from around it.
PLACES = {
    "step": """
        input: 4
        layers:
          NAME: Linear(4, 4)
          zz: Linear(4, 4)(NAME + x)
          yy: NAME + zz
          ww: NAME.shape[0] * yy + NAME(yy)
          uu: yy * max(yy.shape[0], yy.shape[1])
          vv: NAME(zz(NAME(uu)) * NAME.weight.mean())
        """,
    "input": """
        input: {NAME: 4, NAME_1: 4, zz: 4}
        layers:
          yy: NAME * NAME_1.shape[0] - NAME_1
          ww: Linear(4, 4)(yy) + zz + arange(4)
        """,
    "block": """
        input: 4
        blocks:
          B(k)(NAME):
            l: Linear(4, k)(NAME)
            m: l + NAME + zeros(4)
          C:
            NAME: Parameter(1)
            r: x * NAME
        layers:
          NAME: B(4)
          o: C()
          i: NAME(o)
        """,
    "captured": """
        input: 4
        layers:
          NAME: x + 1
          NAME_1: x + 2
          q: Sequential(('a', Linear(4, 4)(NAME * NAME_1 + _)), ('NAME_2', Linear(4, 4)(_ - NAME_1 - NAME)))
          m: ModuleDict(('NAME', Linear(4, 4)))
          r: Linear(4, 4)(q) + m['NAME'](q)
        """,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", HARMLESS)
def test_a_model_does_the_same_whatever_its_names(of, name, place):
    traced = of(PLACES[place].replace("NAME", name))
    assert verify(traced).agree
    built = build(traced, seed=0)
    twin = build(of(PLACES[place].replace("NAME", "plain")), seed=0)
    assert list(built.state_dict()) == [row.name for row in traced.parameters]
    torch.manual_seed(0)
    given = [torch.rand(2, 4) for _ in traced.inputs]
    wanted = twin(*given)
    for same in (built, copy.deepcopy(built), copy.copy(built), pickle.loads(pickle.dumps(built))):
        torch.testing.assert_close(same(*given), wanted, rtol=0, atol=0)


@pytest.mark.parametrize("name", sorted(MODULE_ATTRIBUTES & {*dir(torch.nn.Module()), *vars(torch.nn.Module())}))
def test_no_step_that_makes_a_module_takes_the_name_of_a_modules_own_attribute(name):
    (problem,) = trace(loads(f"input: 4\nlayers:\n  {name}: Linear(4, 2)\n")).errors
    assert (problem.kind, problem.span.text) == ("invalid-name", name)


def test_the_reader_knows_every_name_of_a_built_block():
    assert {name for name in taken_names() if not name.startswith("__")} <= MODULE_ATTRIBUTES


@pytest.mark.parametrize(
    "step",
    ["Sequential(('NAME', Linear(4, 4)))", "Sequential(('NAME', Linear(4, 4)(_ + x)))",
     "ModuleDict(('NAME', Linear(4, 4)))", "ParameterDict(('NAME', Parameter(4)))"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["pop", "forward", "_modules", "__x", "a.b", "ﬁ", "", "n" * 201])
def test_no_item_has_a_name_that_torch_or_its_code_refuses(step, name):
    (problem,) = trace(loads(f"input: 4\nlayers:\n  a: {step.replace('NAME', name)}\n")).errors
    assert (problem.kind, problem.span.text) == ("invalid-name", f"'{name}'")


@pytest.mark.parametrize("name", ["append", "keys", "values", "a b", "block1-0", "x'y", "0", "class", "None"])
def test_an_item_may_have_any_other_name(name):
    step = f'ModuleDict(("{name}", Linear(4, 4)))' if name == "append" else f'Sequential(("{name}", Linear(4, 4)))'
    traced = trace(loads(f"input: 4\nlayers:\n  a: {step}\n  b: relu(x)\n"))
    assert traced.errors == ()
    assert build(traced)(torch.rand(2, 4)).shape == (2, 4)


@pytest.mark.parametrize("wild", ['a") or PLANTED or ("', "a\\\\", "a\\n"])
def test_no_name_becomes_code(wild, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = wild.replace("PLANTED", 'getattr(__import__("os"), "mkdir")("planted")')
    text = f"input: 4\nlayers:\n  a: |-\n    ModuleDict(('{name}', Linear(4, 4)))\n  b: |-\n    a['{name}'](x)\n"
    traced = trace(loads(text))
    assert traced.errors[0].kind == "invalid-name"
    with pytest.raises(SpecError):
        build(traced)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["ﬁ", "ſ", "e\u0301"])
def test_a_name_is_written_as_python_reads_it(name):
    (problem,) = loads(f"input: 4\nlayers:\n  {name}: Linear(4, 2)\n").problems
    assert problem.kind == "invalid-name"
