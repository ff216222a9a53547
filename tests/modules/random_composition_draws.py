"""Draws random compositions: see `random_compositions`."""

from __future__ import annotations

import random
from typing import Any

import torch
from random_compositions import Body, Built, Choice, Layer, Loop, Sequence, Use, Width, quoted
from torch import nn

SMALL = [1, 2, 3, 4]
#: The hyperparameters of every block: the widths of its input and its output.
ENDS = ("a", "b")


class Draw:
    """Draws the parts of one file. `uses` are the blocks that it may apply, and whole models with their widths."""

    def __init__(self, chance: random.Random, hparams: dict[str, int]) -> None:
        self.chance = chance
        self.hparams = hparams
        self.blocks: dict[str, Body] = {}
        self.models: dict[str, tuple[Body, Width, Width]] = {}

    def width(self, names: tuple[str, ...]) -> Width:
        return self.chance.choice([*SMALL, *names, *names])

    # ---- modules ----

    def part(self, a: Width, b: Width, names: tuple[str, ...], depth: int) -> Any:
        """A module from width `a` to width `b`; `names` are the widths in scope."""
        kinds = ("linear", "sequence", "sequence", "loop", "choice", "block", "model") if depth > 0 else ("linear",)
        kind = self.chance.choice(kinds)
        fitting = [name for name, (_, *ends) in self.models.items() if ends == [a, b]]
        if kind == "sequence":
            return self.sequence(a, b, names, depth)
        if kind == "loop":
            return self.loop(a, b, names, depth)
        if kind == "choice":
            yes, no = (self.part(a, b, names, depth - 1) for _ in range(2))
            return Choice(self.width(names), self.chance.choice(SMALL), yes, no)
        if kind == "block" and self.blocks:
            name = self.chance.choice(list(self.blocks))
            return Use(name, self.blocks[name], (a, b))
        if kind == "model" and fitting:
            name = self.chance.choice(fitting)
            return Use(name, self.models[name][0])
        return Layer(self.chance.choice(["Linear({}, {})", "Linear({}, {}, bias=False)"]), (a, b))

    def sequence(self, a: Width, b: Width, names: tuple[str, ...], depth: int) -> Sequence:
        parts: list[Any] = []
        at = a
        for _ in range(self.chance.randint(0, 2)):
            to = self.width(names)
            parts.append(self.part(at, to, names, depth - 1))
            chosen = self.chance.choice(["ReLU()", "Tanh()", "Identity()", "LayerNorm({})", ""])
            parts += [Layer(chosen, (to,) if "{" in chosen else ())] if chosen else []
            at = to
        parts.append(self.part(at, b, names, depth - 1))
        return Sequence(parts, self.chance.random() < 0.3, self.chance.random() < 0.2)

    def loop(self, a: Width, b: Width, names: tuple[str, ...], depth: int) -> Any:
        variable = f"v{depth}"
        inside = (*names, variable)
        body = Sequence([self.part(a, variable, inside, depth - 1), self.part(variable, a, inside, depth - 1)])
        loop = Loop(variable, self.values(names), body, self.chance.randrange(4))
        return loop if a == b else Sequence([loop, self.part(a, b, names, 0)])

    def values(self, names: tuple[str, ...]) -> list[Width]:
        return [self.width(names) for _ in range(self.chance.randint(1, 3))]

    # ---- steps ----

    def body(self, a: Width, b: Width, parameters: tuple[str, ...], depth: int) -> Body:
        """The steps from an input of width `a` to an output of width `b`."""
        made = Body(parameters, outer=dict(self.hparams))
        names = (*parameters, *self.hparams)
        known: list[tuple[str, Width]] = [("x", a)]
        for index in range(self.chance.randint(1, 4)):
            self.step(made, f"s{index}", known, names, depth)
        source, width = self.chance.choice(known)
        part = self.part(width, b, names, 0)
        self.applied(made, "out", part, source, b)
        made.output = "out"
        if self.chance.random() < 0.3:
            self.applied(made, "behind", self.part(b, b, names, 0), "out", b)
        return made

    def step(self, body: Body, name: str, known: list[tuple[str, Width]], names: tuple[str, ...], depth: int) -> None:
        """Add a step that gives a value, with those that it needs."""
        source, width = self.chance.choice(known)
        to = self.width(names)
        kind = self.chance.choice(
            ["part", "part", "again", "list", "loop", "dict", "scale", "add", "inner", "idle", "declared"]
        )
        shared = [each for each in body.steps if each.ends and each.ends[0] == width]
        opened = [(step, each) for step in body.steps for each in step.opened]
        same = [other for other, one in known if one == width]
        if kind == "again" and shared:
            target = self.chance.choice(shared)
            to = target.ends[1]
            body.add(name, f"{target.name}({source})", lambda m, v: m.get_submodule(target.name)(v[source]), to)
        elif kind in ("list", "loop"):
            self.held(body, name, source, width, to, names, depth, kind == "loop")
        elif kind == "dict":
            parts = {key: self.part(width, to, names, depth - 1) for key in ("left", "right")}
            pairs = ", ".join(f"('{key}', {part.text()})" for key, part in parts.items())
            items = ", ".join(f"'{key}': {part.text()}" for key, part in parts.items())
            text = self.chance.choice([f"ModuleDict({pairs})", f"ModuleDict({{{items}}})"])
            body.make(
                f"d{name}", text, lambda env: nn.ModuleDict({key: part.build(env) for key, part in parts.items()})
            )
            key = self.chance.choice(list(parts))
            called = self.chance.choice([f"d{name}['{key}']", f"d{name}.{key}"])
            body.add(name, f"{called}({source})", lambda m, v: m.get_submodule(f"d{name}.{key}")(v[source]), to)
        elif kind == "idle":
            part = self.part(width, to, names, depth - 1)
            body.make(f"i{name}", f"ModuleList([{part.text()}])", lambda env: nn.ModuleList([part.build(env)]))
            return
        elif kind == "declared":
            part = self.part(width, to, names, depth - 1)
            body.make(f"m{name}", f"Module({part.text()})", part.build)
            body.add(name, f"m{name}({source})", lambda m, v: m.get_submodule(f"m{name}")(v[source]), to)
        elif kind == "scale":
            to = width
            body.make(f"p{name}", f"Parameter({width})", lambda env: nn.Parameter(torch.zeros(env.get(width, width))))  # type: ignore[arg-type]
            body.add(name, f"{source} * p{name}", lambda m, v: v[source] * m.get_parameter(f"p{name}"), to)
        elif kind == "add" and same:
            to, other = width, self.chance.choice(same)
            body.add(name, f"{source} + {other}", lambda m, v: v[source] + v[other], to)
        elif kind == "inner" and opened:
            outer, (inner, to) = self.chance.choice(opened)
            body.add(
                name, f"{outer.name}.{inner} * 2",
                lambda m, v: m.get_submodule(outer.name).values(v[outer.source])[inner] * 2, to,
            )  # fmt: skip
        else:
            self.applied(body, name, self.part(width, to, names, depth), source, to, width)
        known.append((name, to))

    def applied(self, body: Body, name: str, part: Any, source: str, to: Width, width: Width | None = None) -> None:
        """Add a step that makes a module and applies it to a value, which may be the running one."""
        text = part.text() if source == body.running and self.chance.random() < 0.5 else f"{part.text()}({source})"
        step = body.add(name, text, lambda m, v: m.get_submodule(name)(v[source]), to)
        step.make, step.source = part.build, source
        if width is not None:
            step.ends = (width, to)
        if isinstance(part, Use):
            inside = dict(zip(part.body.parameters, part.widths, strict=True))
            for each in part.body.steps:
                own = inside.get(each.width, each.width)  # type: ignore[call-overload]
                if isinstance(each.width, int) or each.width in inside:
                    step.opened.append((each.name, own))

    def held(
        self,
        body: Body,
        name: str,
        source: str,
        width: Width,
        to: Width,
        names: tuple[str, ...],
        depth: int,
        loop: bool,
    ) -> None:
        """Add a ModuleList, and a step that applies its items or one of them."""
        if loop:
            part = Sequence([self.part(width, "w", (*names, "w"), depth - 1), Layer("Linear({}, {})", ("w", to))])
            values = [self.chance.choice(SMALL) for _ in range(self.chance.randint(1, 3))]
            form = self.chance.choice(["ModuleList({0} for w in {1})", "ModuleList(*[{0} for w in {1}])"])
            text, count = form.format(part.text(), values), len(values)
            body.make(f"h{name}", text, lambda env: nn.ModuleList(part.build({**env, "w": w}) for w in values))
        else:
            parts = [self.part(width, to, names, depth - 1) for _ in range(self.chance.randint(1, 3))]
            text, count = f"ModuleList([{', '.join(part.text() for part in parts)}])", len(parts)
            body.make(f"h{name}", text, lambda env: nn.ModuleList(part.build(env) for part in parts))
        index = self.chance.randrange(-1, count)
        if index < 0:
            text = f"sum(each({source}) for each in h{name})"
            body.add(name, text, lambda m, v: total([each(v[source]) for each in m.get_submodule(f"h{name}")]), to)
        else:
            text = f"h{name}[{index}]({source})"
            body.add(name, text, lambda m, v: m.get_submodule(f"h{name}.{index}")(v[source]), to)


def total(values: list[Any]) -> Any:
    result = values[0]
    for each in values[1:]:
        result = result + each
    return result


def composition(seed: int) -> tuple[dict[str, str], Built, int]:
    """The files of a model, the model as the interpreter builds it, and the width of its input."""
    chance = random.Random(seed)
    part = Draw(chance, {"q0": chance.choice(SMALL), "q1": chance.choice(SMALL)})
    part.blocks["Piece"] = part.body("a", "b", ENDS, 1)
    ends = chance.choice(SMALL), chance.choice(SMALL)
    model = part.body(*ends, (), 1)
    share(chance, model)
    files = {"part.yaml": written(part, model, ends[0])}
    whole = Draw(chance, {"k0": chance.choice(SMALL), "k1": chance.choice(SMALL)})
    whole.models["part"] = (model, *ends)
    whole.blocks["part.Piece"] = part.blocks["Piece"]
    for name in ("First", "Second"):
        whole.blocks[name] = whole.body("a", "b", ENDS, 2)
    width = chance.choice(SMALL)
    body = whole.body(width, chance.choice(SMALL), (), 3)
    share(chance, body)
    files["model.yaml"] = "include: {part: part.yaml}\n" + written(whole, body, width)
    return files, Built(body, dict(whole.hparams)), width


def share(chance: random.Random, body: Body) -> None:
    """Tie two parameters of a model, and freeze a step."""
    real = Built(body, dict(body.outer))
    shapes = {name: tuple(one.shape) for name, one in real.named_parameters(remove_duplicate=False)}
    pairs = [(one, two) for one in shapes for two in shapes if one < two and shapes[one] == shapes[two]]
    if pairs and chance.random() < 0.5:
        one, two = chance.choice(pairs)
        body.ties[one] = two
    if shapes and chance.random() < 0.4:
        body.frozen.append(chance.choice(list(shapes)).partition(".")[0])


def written(draw: Draw, body: Body, width: int) -> str:
    """The text of a file."""
    lines = [f"input: {width}", f"hparams: {{{', '.join(f'{name}: {one}' for name, one in draw.hparams.items())}}}"]
    own = {name: block for name, block in draw.blocks.items() if "." not in name}
    lines.append("blocks:")
    for name, block in own.items():
        lines += [f"  {name}({', '.join(block.parameters)}):", *block.lines("    ", f"    answer: {block.output} * 1")]
    lines += ["layers:", *body.lines("  "), f"output: {body.output}"]
    lines += [f"tie: {{{name}: {to}}}" for name, to in body.ties.items()]
    lines += [f"freeze: [{quoted(name)}]" for name in body.frozen]
    return "\n".join(lines) + "\n"
