"""The words of the language that are called as layers are, and that no rule stands behind."""

from __future__ import annotations

#: Each word, what it means in one sentence, and a step that has it.
WORDS: dict[str, tuple[str, str]] = {
    "Sequential": (
        "Applies its items one after the other, each a step of its own, named by its number or by a pair's text.",
        "h: Sequential(Block(d) for i in range(n))",
    ),
    "ModuleList": (
        "Holds modules by number, for later steps to apply: heads[0](x), or [head(x) for head in heads].",
        "heads: ModuleList(Linear(d, 2) for i in range(3))",
    ),
    "ModuleDict": (
        "Holds modules by name, for later steps to apply: heads['box'](x).",
        "heads: ModuleDict(('cls', Linear(d, 2)), ('box', Linear(d, 4)))",
    ),
    "ParameterList": (
        "Holds parameters by number, for later steps to use: scales[0] * x.",
        "scales: ParameterList(Parameter(1, d) for i in range(3))",
    ),
    "ParameterDict": (
        "Holds parameters by name, for later steps to use: scales['box'] * x.",
        "scales: ParameterDict(('cls', Parameter(1, d)), ('box', Parameter(1, d)))",
    ),
    "Parameter": (
        "A learnable tensor of these sizes, or with another's values, under the step's own name.",
        "cls: Parameter(1, 1, 768)",
    ),
    "Buffer": (
        "A tensor that is saved with the model and not trained, under the step's own name.",
        "positions: Buffer(arange(1024))",
    ),
}
