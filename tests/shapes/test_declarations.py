"""Every declaration of a layer or a function against torch's own: names, order, defaults, docstrings, examples."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from nnshape.calculator.symbolic_example import example_of
from nnshape.modules.targets import torch_function
from nnshape.shapes.arguments import REQUIRED
from nnshape.shapes.functions import FAMILIES as FUNCTION_FAMILIES
from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import FAMILIES as LAYER_FAMILIES
from nnshape.shapes.layers import all_layers
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.twins import help_of

LAYERS = all_layers()
FUNCTIONS = all_functions()

#: The classes of torch.nn without a rule, and why.
WITHOUT_RULE = {
    "Module": "the base of all",
    "Container": "an old name of Module",
    "RNNBase": "the base of RNN, LSTM and GRU",
    "RNNCellBase": "the base of the cells",
    "Sequential": "the language has it",
    "ModuleList": "the language has it: it holds, and is not applied",
    "ModuleDict": "the language has it: it holds, and is not applied",
    "ParameterList": "the language has it: it holds, and is not applied",
    "ParameterDict": "the language has it: it holds, and is not applied",
    "DataParallel": "it spreads a model over devices",
}
#: What torch's class does not spell out: it takes *args and **kwargs, and hands them on.
VARIADIC = ("RNN", "LSTM", "GRU", "Identity")


def torch_layers() -> list[str]:
    return [
        name
        for name in sorted(dir(torch.nn))
        if isinstance(found := getattr(torch.nn, name), type) and issubclass(found, torch.nn.Module)
    ]


def test_every_class_of_torch_nn_has_a_rule_or_a_reason() -> None:
    missing = [name for name in torch_layers() if name not in LAYERS and name not in WITHOUT_RULE]
    assert not missing, f"no rule for {', '.join(missing)}"


def test_every_rule_has_its_class_in_torch() -> None:
    assert not [name for name in LAYERS if not hasattr(torch.nn, name)]
    assert not [name for name in WITHOUT_RULE if name in LAYERS or not hasattr(torch.nn, name)]


def test_the_indexes_say_which_file_declares_a_name() -> None:
    script = Path(__file__).parents[1] / "index.py"
    result = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


ALONE = """
import sys
from importlib import import_module
for kind in ("layers", "functions"):
    for family in import_module(f"nnshape.shapes.{kind}").FAMILIES:
        for name in [name for name in sys.modules if name.startswith("nnshape.shapes.")]:
            del sys.modules[name]
        package = import_module(f"nnshape.shapes.{kind}")
        import_module(f"nnshape.shapes.{kind}.{family}")
        declared = import_module("nnshape.shapes." + {"layers": "layer_base", "functions": "function"}[kind]).REGISTRY
        print(*[name for name in package.FAMILY_OF if package.FAMILY_OF[name] == family and name not in declared])
"""


def test_each_file_declares_its_names_when_it_is_imported_alone() -> None:
    result = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert not result.stdout.split()
    assert result.stdout.count("\n") == len(LAYER_FAMILIES) + len(FUNCTION_FAMILIES)


def test_every_file_of_rules_is_a_family_that_names_are_looked_for_in() -> None:
    assert {layer.__module__.rpartition(".")[2] for layer in LAYERS.values()} == set(LAYER_FAMILIES)
    assert {rule.rule.__module__.rpartition(".")[2] for rule in FUNCTIONS.values()} == set(FUNCTION_FAMILIES)


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_fields_and_defaults_are_those_of_torch(name: str) -> None:
    constructor = inspect.unwrap(getattr(torch.nn, name).__init__)
    wanted = list(inspect.signature(constructor).parameters.values())[1:]
    if name in VARIADIC:
        pytest.skip("torch's constructor takes *args")
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in wanted):
        assert not LAYERS[name].signature().parameters, "torch's takes any arguments and uses none"
        return
    fields = [(p.name, p.default, p.keyword_only) for p in LAYERS[name].signature().parameters]
    keyword_only = inspect.Parameter.KEYWORD_ONLY
    parameters = [(p.name, REQUIRED if p.default is p.empty else p.default, p.kind is keyword_only) for p in wanted]
    assert [field[0] for field in sorted(fields, key=lambda field: field[2])] == [p[0] for p in parameters]
    for field, parameter in zip(sorted(fields, key=lambda field: field[2]), parameters, strict=True):
        assert field[2] == parameter[2], f"{field[0]}: keyword only?"
        assert same_default(field[1], parameter[1]), f"{field[0]}: {field[1]}, and torch has {parameter[1]}"


def same_default(ours: Any, torchs: Any) -> bool:
    """The defaults are equal; a function of torch counts by its name."""
    if callable(torchs):
        return torchs.__name__ in (ours, getattr(ours, "name", None), getattr(ours, "__name__", None))
    return ours is torchs or (ours == torchs and type(ours) is type(torchs))


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_call_arguments_are_those_of_torch(name: str) -> None:
    wanted = inspect.signature(getattr(torch.nn, name).forward).parameters.values()
    arguments = [(p.name, p.default) for p in LAYERS[name].call_signature().parameters]
    expected = [(p.name, REQUIRED if p.default is p.empty else p.default) for p in wanted if p.name != "self"]
    assert arguments == expected


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_docstring_has_a_sentence_and_every_argument(name: str) -> None:
    sentence, meanings = LAYERS[name].help()
    assert sentence.endswith((".", ")")), sentence
    assert sentence[0].isupper(), sentence
    silent = [p.name for p in LAYERS[name].signature().parameters if p.name not in meanings]
    assert not [argument for argument in silent if not argument.startswith("_")], silent


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_example_of_a_layer_runs(name: str) -> None:
    assert LAYERS[name].example[0].startswith(f"{name}(")
    trace = example_of(LAYERS[name])
    assert trace.errors == ()
    assert not any(call.partial_macs for call in trace.calls)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_example_of_a_function_runs(name: str) -> None:
    trace = example_of(FUNCTIONS[name])
    assert trace.errors == ()
    assert not any(call.partial_macs for call in trace.calls)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_help_of_a_function_has_a_sentence_and_every_argument(name: str) -> None:
    sentence, meanings = help_of(FUNCTIONS[name])
    assert sentence.endswith("."), sentence
    silent = [p.name for p in FUNCTIONS[name].signature().parameters if p.name not in meanings]
    assert not [argument for argument in silent if not argument.startswith("_")], silent


OURS = (
    "adaptive",
    "convolution",
    "distance",
    "dropout",
    "folding",
    "normalization",
    "padding",
    "pooling",
    "unpooling",
    "vision",
)


@pytest.mark.parametrize(
    "name", sorted(n for n, f in FUNCTIONS.items() if f.rule.__module__.rpartition(".")[2] in OURS)
)
def test_arguments_of_a_function_are_those_of_torch(name: str) -> None:
    try:
        wanted = inspect.signature(getattr(torch.nn.functional, name)).parameters.values()
    except ValueError:
        pytest.skip("torch's is a builtin, which has no signature")
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in wanted):
        pytest.skip("torch chooses between two functions by return_indices")
    expected = [(p.name, REQUIRED if p.default is p.empty else p.default) for p in wanted if p.name != "out"]
    assert [(p.name, p.default) for p in FUNCTIONS[name].signature().parameters] == expected


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if {"dim", "keepdim"} & {*f.signature().by_name}])
def test_numpys_names_are_taken_where_torch_takes_them(name: str) -> None:
    real = torch_function(name)
    try:
        taken = "axis" in inspect.signature(real or getattr(torch.Tensor, name)).parameters
    except ValueError:
        taken = True  # an operator of torch's own
    signature = FUNCTIONS[name].signature()
    for synonym, meant in (("axis", "dim"), ("keepdims", "keepdim")):
        if meant in signature.by_name:
            if taken:
                assert signature._named(synonym).name == meant
            else:
                with pytest.raises(Refusal, match=f"has no argument {synonym}"):
                    signature._named(synonym)


def test_a_layer_takes_no_synonyms() -> None:
    with pytest.raises(Refusal, match="Softmax has no argument axis"):
        LAYERS["Softmax"](axis=1)


@pytest.mark.parametrize(
    "name", [n for n, f in FUNCTIONS.items() if (v := f.signature().variadic) and "Whole" in v.kinds]
)
def test_sizes_that_are_left_out_are_refused_as_torch_refuses(name: str) -> None:
    rule = FUNCTIONS[name]
    with pytest.raises((TypeError, RuntimeError)):
        getattr(torch, name)() if rule.factory else getattr(torch.zeros(2, 3), name)()
    with pytest.raises(Refusal):
        rule.apply(() if rule.factory else (Tensor((2, 3)),), {})
