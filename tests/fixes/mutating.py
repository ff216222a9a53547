"""Changes a spec in one place, at random, as people get a spec wrong: `mutated`.

A mutation is made where the reader found something: a number, a name, an argument, a whole step.
Whether the model then still is one is for torch to say.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from mutating_words import ARGUMENTS, DTYPES, FAMILIES, STEPS

import nnshape
from nnshape.spec import Body, Expression, Span, Spec, Step, nodes

_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")


@dataclass(frozen=True)
class Mutation:
    """A changed text, what was done to it, and the lines of the original that it was done to."""

    text: str
    kind: str
    lines: tuple[int, ...]


class Sites:
    """Where a spec can be changed."""

    def __init__(self, spec: Spec, chance: random.Random) -> None:
        self.spec, self.chance = spec, chance
        self.bodies = [spec.body, *(block.body for block in spec.blocks.values())]
        self.steps = [step for body in self.bodies for step in _steps(body)]
        self.expressions = [step.value for step in self.steps if isinstance(step.value, Expression)]
        self.expressions += [block.signature for block in spec.blocks.values() if block.parameters]

    def nodes(self, *kinds: type) -> list[tuple[Expression, Any]]:
        return [(held, node) for held in self.expressions for node in _walk(held.node) if isinstance(node, kinds)]

    def calls(self) -> list[tuple[Expression, nodes.Call]]:
        signatures = {id(block.signature) for block in self.spec.blocks.values()}
        return [(held, node) for held, node in self.nodes(nodes.Call) if id(held) not in signatures]

    def any(self, items: Any) -> Any:
        """One of them; raises where there is none."""
        return self.chance.choice(list(items))


def _steps(body: Body) -> Iterator[Step]:
    for step in body.steps:
        yield step
        if isinstance(step.value, Body):
            yield from _steps(step.value)


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for field in fields(node):
        value = getattr(node, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if is_dataclass(item):
                yield from _walk(item)


Edits = list[tuple[Span, str]]
Change = Callable[[Sites], Edits]


def _other_number(sites: Sites, number: int) -> str:
    near = [number + 1, number - 1, number * 2, number // 2, number + 8, -1, -2, 0, sites.chance.randint(1, 9)]
    # Small changes are what people make; a sign or a zero is rare.
    weights = [4, 4, 3, 3, 2, 1, 1, 1, 4]
    while True:
        (other,) = sites.chance.choices(near, weights)
        if other != number:
            return str(other)


def number(sites: Sites) -> Edits:
    held, node = sites.any(
        (held, node) for held, node in sites.nodes(nodes.Constant) if type(node.value) in (int, float)
    )
    other = _other_number(sites, node.value) if type(node.value) is int else sites.any(["0", "1", "2.5", "-1.0"])
    return [(held.span(node), other)]


def setting(sites: Sites) -> Edits:
    """A number of hparams or dims."""
    spans = [located.span for located in (*sites.spec.hparams.values(), *sites.spec.dims.values())]
    found = [Span(span.source, span.start + match.start(), span.start + match.end())
             for span in spans for match in _NUMBER.finditer(span.text)]  # fmt: skip
    span = sites.any(found)
    return [(span, _other_number(sites, int(span.text)))]


def flag(sites: Sites) -> Edits:
    held, node = sites.any((held, node) for held, node in sites.nodes(nodes.Constant) if type(node.value) is bool)
    return [(held.span(node), str(not node.value))]


def name(sites: Sites) -> Edits:
    """A name in the place of another: of a step, a hyperparameter, an input, or one that nothing has."""
    called = {id(node.function) for _, node in sites.nodes(nodes.Call)}
    held, node = sites.any((held, node) for held, node in sites.nodes(nodes.Name) if id(node) not in called)
    spec = sites.spec
    others = [step.name for step in sites.steps if step.name.isidentifier()] + [*spec.hparams, *spec.dims]
    others += [item.name for item in (*spec.inputs, *(p for block in spec.blocks.values() for p in block.parameters))]
    others += ["_", "x", node.id + "s", "N"]
    return [(held.span(node), sites.any(other for other in others if other != node.id))]


def _items(held: Expression, node: nodes.Call) -> list[Any]:
    return [*node.args, *node.keywords]


def dropped_argument(sites: Sites) -> Edits:
    held, node = sites.any((held, node) for held, node in sites.calls() if node.args or node.keywords)
    items = _items(held, node)
    index = sites.chance.randrange(len(items))
    source = held.span(node).source
    if index:
        start, end = held.span(items[index - 1]).end, held.span(items[index]).end
    else:
        start = held.span(items[0]).start
        end = held.span(items[1]).start if len(items) > 1 else held.span(items[0]).end
    return [(Span(source, start, end), "")]


def swapped_arguments(sites: Sites) -> Edits:
    held, node = sites.any((held, node) for held, node in sites.calls() if len(node.args) > 1)
    one, two = sorted(sites.chance.sample(node.args, 2), key=lambda item: item.start)
    one, two = held.span(one), held.span(two)
    if one.text == two.text:
        return []
    return [(one, two.text), (two, one.text)]


def added_argument(sites: Sites) -> Edits:
    """One that the layer has (a stride, a dilation, groups …), one by position, or one that nothing has."""
    held, node = sites.any(sites.calls())
    function = node.function.id if isinstance(node.function, nodes.Name) else ""
    known = [words for names, words in ARGUMENTS if re.fullmatch(names, function)]
    written = sites.any(sites.any(known) if known and sites.chance.random() < 0.9 else ["strid=2", "2", "dim=1", "-1"])
    if "=" in written:
        for keyword in node.keywords:
            if keyword.name == written.split("=")[0]:
                return [(held.span(keyword), written)]
    items = _items(held, node)
    end = max((held.span(item).end for item in items), default=held.span(node).end - 1)
    if "=" not in written and node.keywords:
        end = held.span(node.keywords[0]).start
        return [(Span(held.span(node).source, end, end), f"{written}, ")]
    return [(Span(held.span(node).source, end, end), f", {written}" if items else written)]


def paired_argument(sites: Sites) -> Edits:
    """A number as a pair, a triple or a list."""
    calls = [(held, item) for held, node in sites.calls() for item in node.args if isinstance(item, nodes.Constant)]
    held, item = sites.any((held, item) for held, item in calls if type(item.value) is int)
    text = held.span(item).text
    forms = ["({0}, {0})", "({0},)", "({0}, {0}, {0})", "[{0}, {0}]", "({0}, 1)", "(1, {0})", "{0}.0", "'{0}'"]
    return [(held.span(item), sites.any(forms).format(text))]


def misspelt_argument(sites: Sites) -> Edits:
    held, keyword = sites.any((held, item) for held, node in sites.calls() for item in node.keywords)
    span, index = held.span(keyword), sites.chance.randrange(len(keyword.name))
    return [(Span(span.source, span.start + index, span.start + index + 1), "")]


def function(sites: Sites) -> Edits:
    """Another layer or function of the family, at times one of another family."""
    held, node = sites.any((held, n) for held, n in sites.calls() if isinstance(n.function, nodes.Name))
    family = [words for words in FAMILIES if node.function.id in words]
    words = sites.any(family) if family and sites.chance.random() < 0.85 else sites.any(FAMILIES)
    return [(held.span(node.function), sites.any(word for word in words if word != node.function.id))]


def method(sites: Sites) -> Edits:
    held, node = sites.any(sites.nodes(nodes.Attribute))
    span = held.span((node.name_start, node.end))
    words = sites.any([words for words in FAMILIES if node.name in words] or FAMILIES)
    return [(span, sites.any(word for word in words if word != node.name))]


def operator(sites: Sites) -> Edits:
    held, node = sites.any(sites.nodes(nodes.Binary, nodes.Compare))
    left, right = (node.left, node.right) if isinstance(node, nodes.Binary) else (node.left, node.comparators[0])
    gap = Span(held.span(node).source, held.span(left).end, held.span(right).start)
    old = node.operator if isinstance(node, nodes.Binary) else node.operators[0]
    arithmetic = ["+", "-", "*", "/", "//", "@", "%"]
    signs = arithmetic if isinstance(node, nodes.Binary) else ["==", "!=", "<", ">", "<=", ">="]
    if gap.text.count(old) != 1:
        return []
    return [(gap, gap.text.replace(old, sites.any(sign for sign in signs if sign != old)))]


def branch(sites: Sites) -> Edits:
    held, node = sites.any(sites.nodes(nodes.Conditional))
    body, orelse = held.span(node.body), held.span(node.orelse)
    return [(body, orelse.text), (orelse, body.text)]


def index(sites: Sites) -> Edits:
    """A subscript taken away, or one that is put to a name."""
    if sites.chance.random() < 0.5:
        held, node = sites.any(sites.nodes(nodes.Subscript))
        return [(held.span(node), held.span(node.value).text)]
    steps = {step.name for step in sites.steps}
    held, node = sites.any((held, node) for held, node in sites.nodes(nodes.Name) if node.id in steps)
    return [(held.span(node), node.id + sites.any(["[0]", "[1]", "[-1]", "[2]", "[:, 0]", "[1:]", "[..., None]"]))]


def _line(step: Step) -> Span:
    """The lines that a step has to itself."""
    source = step.span.source
    start = source.line_start(step.name_span.line)
    text = source.text
    end = text.find("\n", max(step.span.end - 1, start))
    return Span(source, start, len(text) if end < 0 else end + 1)


def _plain(body: Body) -> list[Step]:
    return [step for step in body.steps if not isinstance(step.value, Body) and not body.is_list]


def dropped_step(sites: Sites) -> Edits:
    body = sites.any(body for body in sites.bodies if len(_plain(body)) > 1)
    return [(_line(sites.any(_plain(body))), "")]


def swapped_steps(sites: Sites) -> Edits:
    body = sites.any(body for body in sites.bodies if len(_plain(body)) > 1)
    steps = _plain(body)
    place = sites.chance.randrange(len(steps) - 1)
    one, two = _line(steps[place]), _line(steps[place + 1])
    return [(one, two.text), (two, one.text)]


def inserted_step(sites: Sites) -> Edits:
    step = sites.any(step for body in sites.bodies for step in _plain(body))
    line = _line(step)
    indent = line.text[: len(line.text) - len(line.text.lstrip())]
    here = Span(line.source, line.start, line.start)
    return [(here, f"{indent}inserted: {sites.any(STEPS)}\n")]


def input_shape(sites: Sites) -> Edits:
    """The dimensions of an input: one more, one fewer, two swapped, another number, or another dtype."""
    pattern = sites.any(item.pattern for item in sites.spec.inputs)
    sizes = [pattern.span_of(place).text for place in range(len(pattern.dims))]
    dtype = pattern.dtype or "float32"
    if pattern.per_sample:
        sizes = ["N", *sizes]
    change = sites.chance.randrange(5)
    place = sites.chance.randrange(len(sizes))
    if change == 0:
        dtype = sites.any(other for other in DTYPES if other != dtype)
    elif change == 1 and len(sizes) > 1:
        del sizes[place]
    elif change == 2:
        sizes.insert(place, sites.any(["1", "2", "8"]))
    elif change == 3 and len(sizes) > 1:
        other = (place + 1) % len(sizes)
        sizes[place], sizes[other] = sizes[other], sizes[place]
    elif sizes[place].isdigit():
        sizes[place] = _other_number(sites, int(sizes[place])).lstrip("-")
    else:
        sizes[place] = str(sites.chance.randint(1, 9))
    return [(pattern.span, f"{dtype}[{', '.join(sizes)}]")]


#: Each kind of mutation, and how often it is drawn.
CHANGES: tuple[tuple[Change, int], ...] = (
    (number, 30), (setting, 8), (flag, 4), (name, 14), (dropped_argument, 10), (swapped_arguments, 6),
    (added_argument, 14), (paired_argument, 6), (misspelt_argument, 2), (function, 14), (method, 4), (operator, 5),
    (branch, 2), (index, 3), (dropped_step, 8), (swapped_steps, 6), (inserted_step, 8), (input_shape, 8),
)  # fmt: skip


def mutated(text: str, chance: random.Random) -> Mutation:
    """The text with one change, or rarely with two."""
    first = _mutated_once(text, chance)
    if chance.random() < 0.9:
        return first
    try:
        second = _mutated_once(first.text, chance)
    except nnshape.SpecError:
        return first
    return Mutation(second.text, f"{first.kind} and {second.kind}", ())


def _mutated_once(text: str, chance: random.Random) -> Mutation:
    sites = Sites(nnshape.loads(text), chance)
    while True:
        (change,) = chance.choices([change for change, _ in CHANGES], [weight for _, weight in CHANGES])
        try:
            edits = change(sites)
        except IndexError:  # there is nothing of the kind in this spec
            continue
        after = text
        for span, words in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
            after = after[: span.start] + words + after[span.end :]
        if after != text:
            return Mutation(after, change.__name__, tuple(sorted({span.line for span, _ in edits})))
