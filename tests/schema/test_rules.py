"""Mapping steps: the schema takes exactly the arguments that the rule for the layer or function takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from nnshape.schema.rules import functions, layers
from nnshape.shapes.arguments import Parameter
from nnshape.shapes.documentation import torch_name
from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import all_layers
from nnshape.shapes.refusal import Refusal
from nnshape.spec import nodes, parse_expression, source_of_text
from nnshape.spec.source import Span
from nnshape.spec.source_map import verbatim

LAYERS, FUNCTIONS = layers(), functions()
#: A value of each type of JSON, but a text, which stands for any value, and a truth, of which more below.
VALUES = (3, -1, 0.5, None, [3, 4], [0.5], [None, 3], [[3]], [])


def in_python(value):
    return tuple(map(in_python, value)) if isinstance(value, list) else value


def takes(parameter: Parameter, value) -> bool:
    value = in_python(value)
    if parameter.variadic and isinstance(value, tuple):
        return all(map(parameter.accepts, value)) or parameter.accepts(value)
    return parameter.accepts(value)


@pytest.fixture(scope="module")
def validators(whole):
    """The validator of each argument of a rule, by the argument's name."""

    def validators(name: str) -> dict[str, Draft7Validator]:
        definitions = whole["definitions"]
        return {
            argument: Draft7Validator({"allOf": [held], "definitions": definitions})
            for argument, held in definitions[name]["properties"].items()
        }

    return validators


@pytest.mark.parametrize("name", [*LAYERS, *FUNCTIONS])
def test_each_argument_takes_what_the_rule_takes(validators, name):
    rule = LAYERS.get(name) or FUNCTIONS[name]
    by_name = validators(torch_name(rule))
    for parameter in rule.signature().parameters:
        if parameter.name in ("type", "args", "from", "shape") or parameter.name.startswith("_"):
            continue
        if parameter.by_place:
            assert parameter.name not in by_name
            continue
        validator = by_name[parameter.name]
        assert validator.is_valid("an_expression * 4")
        for value in VALUES:
            assert validator.is_valid(value) == takes(parameter, value), (parameter, value)
        # Python takes True for 1; a file that writes it for a size has made a slip.
        truths = {"bool", "Flag", "Any"}.intersection(parameter.kinds)
        assert validator.is_valid(True) == bool(truths), parameter


def accepts(layer, arguments, keywords) -> bool:
    """Whether the layer takes arguments of this form; whether their values make sense is another question."""
    try:
        layer.signature().bind(
            [in_python(value) for value in arguments],
            {name: in_python(value) for name, value in keywords.items()},
            layer.auto,
        )
    except Refusal:
        return False
    return True


@st.composite
def steps(draw):
    """A layer and arguments for it, most of them such as it takes: some positional, some by name."""
    layer = draw(st.sampled_from(list(LAYERS.values())))
    parameters = [p for p in layer.signature().positional if not p.name.startswith("_")]
    # The private arguments stand last or their places are left alone.
    places = parameters if len(parameters) == len(layer.signature().positional) else parameters[:3]

    def value(parameter: Parameter):
        right = [value for value in VALUES if takes(parameter, value)] or ["x"]
        return draw(st.sampled_from(right if draw(st.integers(0, 9)) else list(VALUES)))

    count = draw(st.integers(0, len(places)))
    arguments = [value(parameter) for parameter in places[:count]]
    if draw(st.integers(0, 19)) == 0 and places is parameters:
        arguments = [value(parameter) for parameter in places] + [3]
    named = set(draw(st.lists(st.sampled_from(parameters), max_size=3))) if parameters else set()
    if draw(st.integers(0, 3)):
        named |= {p for p in parameters[count:] if p.default is not None and repr(p.default).startswith("<object")}
    keywords = {p.name: value(p) for p in parameters if p in named}
    if draw(st.integers(0, 9)) == 0:
        keywords["no_such_argument"] = 1
    return layer, arguments, keywords


@given(steps())
@settings(max_examples=400, deadline=None)
def test_a_step_validates_if_and_only_if_the_layer_takes_its_form(validators_of_calls, step):
    layer, arguments, keywords = step
    # A text is always right to the schema, and its value is only known in a trace: here it is one that is right.
    if "x" in arguments or "x" in keywords.values():
        return
    mapping = {"type": layer.__name__, **keywords, **({"args": arguments} if arguments else {})}
    assert validators_of_calls.is_valid(mapping) == accepts(layer, arguments, keywords), mapping


@pytest.fixture(scope="module")
def validators_of_calls(part):
    return part("step")


def yaml_of(node, text: str):
    """An argument of an example as a mapping step has it."""
    if isinstance(node, nodes.Constant):
        return node.value
    if isinstance(node, (nodes.Tuple, nodes.List)):
        return [yaml_of(item, text) for item in node.items]
    return text[node.start : node.end]


@pytest.mark.parametrize("name", LAYERS)
def test_the_example_of_every_layer(part, name):
    text = LAYERS[name].example[0]
    call = parse_expression(text, verbatim(Span(source_of_text(text, "<example>"), 0, len(text)))).node
    if isinstance(call.function, nodes.Call):
        call = call.function
    arguments = [yaml_of(node, text) for node in call.args]
    keywords = {keyword.name: yaml_of(keyword.value, text) for keyword in call.keywords}
    places = [parameter.name for parameter in LAYERS[name].signature().positional]
    validator = part("step")
    assert validator.is_valid(text)
    assert validator.is_valid({"type": name, "args": arguments, **keywords})
    by_name = {"type": name, **dict(zip(places, arguments, strict=False)), **keywords}
    assert validator.is_valid(by_name)
    assert not validator.is_valid({**by_name, "no_such_argument": 1})


def test_every_rule_that_can_be_called_by_its_name_is_there():
    assert LAYERS.keys() == all_layers().keys()
    # Properties, indexing, and methods whose name another function has.
    left_out = {"H", "T", "mH", "mT", "getitem", "Tensor.unfold", "Tensor.where"}
    assert all_functions().keys() - FUNCTIONS.keys() == left_out


def test_an_argument_says_what_it_means_and_its_default(whole):
    definitions = whole["definitions"]
    held = definitions["torch.nn.Linear"]["properties"]
    assert held["in_features"]["description"].endswith("; auto infers it from the input.")
    assert held["type"]["description"].endswith("generated/torch.nn.Linear.html")
    # What many rules share stands in a definition of its own.
    assert held["bias"] == {"$ref": "#/definitions/argument.bias"}
    assert definitions["argument.bias"]["default"] is True
    assert definitions["torch.nn.Dropout"]["properties"]["p"] == {"$ref": "#/definitions/argument.p"}
    assert definitions["argument.p"]["default"] == 0.5
