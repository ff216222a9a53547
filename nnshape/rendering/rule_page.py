"""The page of a layer or function, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from nnshape.calculator.one_step import step_of
from nnshape.calculator.symbolic_example import example_of, symbolic_example
from nnshape.explain.formulas import derivation_of_call
from nnshape.records import dataclass
from nnshape.rendering import trace_json
from nnshape.rendering.amounts import value_forms
from nnshape.rendering.layer_report import call_lines, count_lines, needs_of_step, paragraph
from nnshape.rendering.styled import Line, cells
from nnshape.shapes.arguments import REQUIRED, Parameter, Signature
from nnshape.shapes.documentation import page_of, torch_name
from nnshape.shapes.function import Function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.meanings import SHARED
from nnshape.shapes.twins import help_of
from nnshape.spec.words import WORDS

Rule = Function | type[Layer]


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument on a page; `default` is None if it has none."""

    name: str
    default: str | None
    takes: str
    meaning: str


def arguments_of(rule: Rule) -> list[Argument]:
    """The arguments of a layer's constructor or of a function, without torch's private ones."""
    return _arguments(rule.signature(), help_of(rule)[1], rule.auto if not isinstance(rule, Function) else {})


def inputs_of(rule: Rule) -> list[Argument]:
    """The inputs of a layer; empty for a function, whose inputs are among its arguments."""
    return [] if isinstance(rule, Function) else _arguments(rule.call_signature(), SHARED | rule.input_help(), {})


def _arguments(signature: Signature, meanings: Mapping[str, str], auto: Mapping[str, Any]) -> list[Argument]:
    found = []
    for parameter in signature.parameters:
        if not parameter.name.startswith("_"):
            meaning = meanings.get(parameter.name, "").rstrip(".")
            if parameter.name in auto:
                meaning += "; auto infers it from the input"
            found.append(Argument(_starred(parameter), _default(parameter), parameter.wanted, meaning))
    return found


def _starred(parameter: Parameter) -> str:
    return f"*{parameter.name}" if parameter.variadic else parameter.name


def _default(parameter: Parameter) -> str | None:
    return None if parameter.default is REQUIRED or parameter.variadic else repr(parameter.default)


def rule_text(rule: Rule) -> str:
    """The shape rule of the example in one line: `3 x H x W -> 6 x (H - 4) x (W - 4)`."""
    trace = symbolic_example(rule) or example_of(rule)
    call = step_of(trace)
    inputs = ", ".join(map(str, trace.inputs.values()))
    text = f"{inputs} -> {value_forms(call.output)[0]}" if inputs else value_forms(call.output)[0]
    needs = ", ".join(needs_of_step(trace, call))
    return f"{text}, needs {needs}" if needs else text


def command_of(rule: Rule) -> str:
    """The command that computes the example."""
    return " ".join(["nnshape layer", *(_quoted(part) for part in rule.example)])


def _quoted(text: str) -> str:
    if not set(text) & set(" ()[]*'\"<>&|;"):
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'


def rule_lines(rule: Rule, width: int) -> list[Line]:
    """The page of a layer or a function."""
    sentence = help_of(rule)[0]
    lines: list[Line] = [[(torch_name(rule), "head")], *paragraph("", sentence, width), [(page_of(rule), "dim")]]
    arguments, inputs = arguments_of(rule), inputs_of(rule)
    room = max((_width(argument) for argument in (*arguments, *inputs)), default=0)
    for title, group in (("Arguments", arguments), ("Inputs", inputs)):
        if group:
            lines += [(), [(title, "head")], *(line for item in group for line in _argument_lines(item, room, width))]
    lines += [(), [("Shapes", "head")], *_indented(rule_text(rule), width)]
    trace = example_of(rule)
    call = step_of(trace)
    lines += [(), [("Example", "head")], [(f"  $ {command_of(rule)}", "")]]
    rows = sorted(trace.parameters, key=lambda row: row.buffer)
    inner = [*call_lines(trace, call, width - 2), (), *count_lines(call, rows, width - 2, f"{call.path}.")]
    return [*lines, *([("  ", ""), *line] if line else () for line in inner)]


def _width(argument: Argument) -> int:
    return cells(argument.name) + (0 if argument.default is None else cells(argument.default) + 3)


def _argument_lines(argument: Argument, room: int, width: int) -> list[Line]:
    default = "" if argument.default is None else f" = {argument.default}"
    indent = min(room, 32) + 4
    pieces = wrap(argument.meaning or argument.takes, max(24, width - indent), break_long_words=False) or [""]
    start: list[tuple[str, str]] = [("  ", ""), (argument.name, "type"), (default, "dim")]
    blank = indent - 2 - _width(argument)
    if blank < 2:
        return [start, *([(" " * indent + piece, "")] for piece in pieces)]
    first: Line = [*start, (" " * blank + pieces[0], "")]
    return [first, *([(" " * indent + piece, "")] for piece in pieces[1:])]


def _indented(text: str, width: int) -> list[Line]:
    return [[("  " + piece, "")] for piece in wrap(text, max(24, width - 2), break_long_words=False)]


def rule_json(rule: Rule) -> str:
    """The page of a layer or a function as JSON."""
    trace = example_of(rule)
    call = step_of(trace)
    return trace_json.text_of({
        "version": trace_json.VERSION,
        "kind": "function" if isinstance(rule, Function) else "layer",
        "name": torch_name(rule),
        "sentence": help_of(rule)[0],
        "page": page_of(rule),
        "arguments": [_argument_json(argument) for argument in arguments_of(rule)],
        "inputs": [_argument_json(argument) for argument in inputs_of(rule)],
        "shapes": rule_text(rule),
        "example": {
            "command": command_of(rule),
            "inputs": [{"name": name, **trace_json.tensor_json(tensor)} for name, tensor in trace.inputs.items()],
            "output": trace_json.value_json(call.output),
            "parameters": [
                trace_json.parameter_json(row) | {"name": row.name.removeprefix(f"{call.path}.")}
                for row in trace.parameters
            ],
            "macs": trace_json.totals_json(trace)["macs"],
            "derivation": list(derivation_of_call(call)),
        },
    })  # fmt: skip


def _argument_json(argument: Argument) -> dict[str, Any]:
    return {"name": argument.name, "default": argument.default, "takes": argument.takes, "meaning": argument.meaning}


# ---- the language's own words ----


def word_lines(word: str, width: int) -> list[Line]:
    """The page of a word of the language that is called like a layer."""
    sentence, example = WORDS[word]
    lines: list[Line] = [[(word, "head")], *paragraph("", sentence, width)]
    return [*lines, (), [("Example", "head")], *_indented(example, width)]


def word_json(word: str) -> str:
    """The same as JSON."""
    sentence, example = WORDS[word]
    return trace_json.text_of(
        {"version": trace_json.VERSION, "name": word, "description": sentence, "example": example}
    )
