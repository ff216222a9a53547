"""Random models that nest everything in everything, each as text and as modules of torch that are built by hand.

A model is a tree of the classes below. `text` writes a part as a spec; `build` makes it of torch alone, by a small
interpreter that shares no code with nnshape. A width is a number, or the name of a hyperparameter or loop variable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

Width = int | str
Env = dict[str, int]


def value(width: Width, env: Env) -> int:
    return env[width] if isinstance(width, str) else width


@dataclass
class Layer:
    """A layer of torch, as a template of its text with widths in it."""

    template: str
    widths: tuple[Width, ...] = ()

    def text(self) -> str:
        return self.template.format(*self.widths)

    def build(self, env: Env) -> nn.Module:
        return eval(
            self.template.format(*(value(width, env) for width in self.widths)), {"__builtins__": {}, **vars(nn)}
        )


@dataclass
class Sequence:
    """A Sequential of parts; with names, of pairs; unpacked, of a list after a star."""

    parts: list[Any]
    names: bool = False
    starred: bool = False

    def text(self) -> str:
        parts = [part.text() for part in self.parts]
        if self.names:
            parts = [f"('part{i}', {part})" for i, part in enumerate(parts)]
        inside = ", ".join(parts)
        return f"Sequential(*[{inside}])" if self.starred else f"Sequential({inside})"

    def build(self, env: Env) -> nn.Module:
        made = nn.Sequential()
        for i, part in enumerate(self.parts):
            made.add_module(f"part{i}" if self.names else str(i), part.build(env))
        return made


@dataclass
class Loop:
    """A Sequential of one part for each value of a variable, in one of the forms of a loop."""

    variable: str
    values: list[Width]
    part: Any
    form: int

    def text(self) -> str:
        values = f"[{', '.join(map(str, self.values))}]"
        loop = f"{self.part.text()} for {self.variable} in {values}"
        forms = (
            f"Sequential({loop})",
            f"Sequential(*[{loop}])",
            f"Sequential(*([{loop}] if {len(self.values)} > 0 else [Identity()]))",
            f"Sequential((f'item{{{self.variable}}}_{{k}}', {self.part.text()}) "
            f"for k, {self.variable} in enumerate({values}))",
        )
        return forms[self.form]

    def build(self, env: Env) -> nn.Module:
        made = nn.Sequential()
        for i, each in enumerate(self.values):
            width = value(each, env)
            name = f"item{width}_{i}" if self.form == 3 else str(i)
            made.add_module(name, self.part.build({**env, self.variable: width}))
        return made


@dataclass
class Choice:
    """One part or another, by a condition on a width."""

    width: Width
    least: int
    yes: Any
    no: Any

    def text(self) -> str:
        return f"({self.yes.text()} if {self.width} >= {self.least} else {self.no.text()})"

    def build(self, env: Env) -> nn.Module:
        return (self.yes if value(self.width, env) >= self.least else self.no).build(env)


@dataclass
class Use:
    """A block, of this file or an included one, or a whole included model, with its hyperparameters."""

    name: str
    body: Body
    widths: tuple[Width, ...] = ()

    def text(self) -> str:
        if not self.body.parameters:
            return f"{self.name}()"
        return f"{self.name}({', '.join(map(str, self.widths))})"

    def build(self, env: Env) -> nn.Module:
        own = dict(zip(self.body.parameters, (value(width, env) for width in self.widths), strict=True))
        return Built(self.body, {**self.body.outer, **own})


@dataclass
class Step:
    """A step: its text, how it makes its module, and how it computes its value from those before it."""

    name: str
    text: str
    make: Callable[[Env], Any] | None = None
    run: Callable[[Any, dict[str, Any]], Any] | None = None
    width: Width | None = None
    #: The widths that its module goes from and to, if later steps may call it.
    ends: tuple[Width, ...] = ()
    #: The value that its module is applied to, and the steps inside the module with their widths.
    source: str = ""
    opened: list[tuple[str, Width]] = field(default_factory=list)


@dataclass
class Body:
    """The steps of a model or block. `outer` are the values of the file's hparams."""

    parameters: tuple[str, ...] = ()
    steps: list[Step] = field(default_factory=list)
    outer: Env = field(default_factory=dict)
    ties: dict[str, str] = field(default_factory=dict)
    frozen: list[str] = field(default_factory=list)
    #: The step that is the output, which need not be the last.
    output: str = ""

    def add(self, name: str, text: str, run: Callable[[Any, dict[str, Any]], Any], width: Width) -> Step:
        """Add a step that gives a value."""
        step = Step(name, text, None, run, width)
        self.steps.append(step)
        return step

    def make(self, name: str, text: str, make: Callable[[Env], Any]) -> None:
        """Add a step that holds modules or a parameter, and leaves the running value."""
        self.steps.append(Step(name, text, make))

    @property
    def running(self) -> str:
        """The name of the running value."""
        return next((step.name for step in reversed(self.steps) if step.run is not None), "x")

    def lines(self, indent: str, last: str = "") -> list[str]:
        """The lines of the steps, and a further one."""
        return [*(f"{indent}{step.name}: {quoted(step.text)}" for step in self.steps), *filter(None, [last])]


def quoted(text: str) -> str:
    """A text as a scalar of YAML."""
    return f'"{text}"'


class Built(nn.Module):
    """A body as a module: the interpreter of steps."""

    def __init__(self, body: Body, env: Env) -> None:
        super().__init__()
        self.body = body
        for step in body.steps:
            made = None if step.make is None else step.make(env)
            if isinstance(made, nn.Parameter):
                self.register_parameter(step.name, made)
            elif made is not None:
                self.add_module(step.name, made)
        for name, to in body.ties.items():
            old, new = self.get_parameter(name), self.get_parameter(to)
            new.requires_grad_(old.requires_grad and new.requires_grad)  # what an included model freezes stays frozen
            for each, parameter in list(self.named_parameters(remove_duplicate=False)):
                if parameter is old:  # what an included model ties stays tied
                    owner, _, leaf = each.rpartition(".")
                    setattr(self.get_submodule(owner), leaf, new)
        for name, parameter in self.named_parameters(remove_duplicate=False):
            if any(name == each or name.startswith(f"{each}.") for each in body.frozen):
                parameter.requires_grad_(False)

    def values(self, x: torch.Tensor) -> dict[str, Any]:
        """The values of the steps by name."""
        found: dict[str, Any] = {"x": x}
        for step in self.body.steps:
            if step.run is not None:
                found[step.name] = step.run(self, found)
        return found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.values(x)[self.body.output]
        return result
