"""Words of the language that are called like layers but have no rule."""

from __future__ import annotations

#: Each word with a description and an example step.
WORDS: dict[str, tuple[str, str]] = {
    "Sequential": (
        "Applies its items in order. Each item is a step, named by its index or by the name in a pair.",
        "h: Sequential(Block(d) for i in range(n))",
    ),
    "ModuleList": (
        "A list of modules that later steps apply: heads[0](x), or [head(x) for head in heads].",
        "heads: ModuleList(Linear(d, 2) for i in range(3))",
    ),
    "ModuleDict": (
        "A dictionary of modules that later steps apply: heads['box'](x).",
        "heads: ModuleDict(('cls', Linear(d, 2)), ('box', Linear(d, 4)))",
    ),
    "ParameterList": (
        "A list of parameters that later steps use: scales[0] * x.",
        "scales: ParameterList(Parameter(1, d) for i in range(3))",
    ),
    "ParameterDict": (
        "A dictionary of parameters that later steps use: scales['box'] * x.",
        "scales: ParameterDict(('cls', Parameter(1, d)), ('box', Parameter(1, d)))",
    ),
    "Module": (
        "A module that later steps apply: reduce(x). It comes in the state dict where it is written.",
        "reduce: Module(Linear(4 * d, 2 * d, bias=False))",
    ),
    "weight_norm": (
        "A layer whose weight is a direction and a length: torch.nn.utils.parametrizations.weight_norm. "
        "nn.utils.weight_norm is the older one.",
        "fc: weight_norm(Linear(d, d))",
    ),
    "spectral_norm": (
        "A layer whose weight is divided by its largest singular value: torch.nn.utils.parametrizations.spectral_norm. "
        "nn.utils.spectral_norm is the older one.",
        "fc: spectral_norm(Linear(d, d))",
    ),
    "orthogonal": (
        "A layer whose weight is orthogonal: torch.nn.utils.parametrizations.orthogonal.",
        "fc: orthogonal(Linear(d, d))",
    ),
    "Parameter": (
        "A learnable tensor of the given shape, or with the values of another tensor. Its name is the step's.",
        "cls: Parameter(1, 1, 768)",
    ),
    "Buffer": (
        "A tensor that is saved with the model but not trained. Its name is the step's.",
        "positions: Buffer(arange(1024))",
    ),
}
