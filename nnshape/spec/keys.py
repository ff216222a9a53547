"""The keys of a spec file, each with a description and an example, for the reader and the JSON Schema."""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """A sentence on a key of a file, and an example in YAML."""

    meaning: str
    example: str


#: The keys of a spec file, in the order of messages.
KEYS: dict[str, Key] = {
    "name": Key(
        "The model's name. Defaults to the file name.",
        "name: LeNet",
    ),
    "dtype": Key(
        "The dtype of the parameters, of inputs without one, and of new tensors of floats. Defaults to float32.",
        "dtype: bfloat16",
    ),
    "input": Key(
        "The input shape: 1x32x32 for one sample, [N, 1, H, W] including the batch, int64[N, T] with a dtype. "
        "For several inputs, a mapping of names to shapes; a single input is named x. {} is no input. An input may be "
        "a list or mapping of shapes.",
        "input: 1x32x32",
    ),
    "layers": Key(
        "The steps of the model, in order: a mapping of names to steps, or a list, which names them 0, 1, …",
        "layers:\n  conv1: Conv2d(1, 6, 5)",
    ),
    "hparams": Key(
        "Named numbers, strings, layer types and lists for use in expressions, or expressions of others such as "
        "4 * width. Overrides and variants replace them.",
        "hparams: {depth: 12}",
    ),
    "dims": Key(
        "Values for symbolic sizes. A size without a value stays symbolic.",
        "dims: {H: 224, W: 224}",
    ),
    "blocks": Key(
        "Reusable blocks: Name(p, q=1)(x[N, T, D]) declares hyperparameters and inputs; the value holds the steps.",
        'blocks: {Name(p): {fc: "Linear(auto, p)"}}',
    ),
    "output": Key(
        "The model's output: an expression, or a list or mapping of expressions. Defaults to the last step.",
        "output: conv1",
    ),
    "tie": Key(
        "Tied parameters: the parameter on the left shares the tensor of the one on the right.",
        "tie: {head.weight: embed.weight}",
    ),
    "freeze": Key(
        "Parameters to freeze, as globs.",
        "freeze: [features.*]",
    ),
    "expect": Key(
        "Expected totals and output shape. nnshape check fails if they differ.",
        "expect: {parameters: 81290}",
    ),
    "variants": Key(
        "Named sets of values for hparams and sizes. expect holds a variant's own figures, from builds it on another "
        "variant. nnshape check checks each of them.",
        "variants: {small: {depth: 6}}",
    ),
    "include": Key(
        "Other spec files by name: rn.Block(64) is a block of that file, rn() its whole model.",
        "include: {rn: resnet.yaml}",
    ),
    "import": Key(
        "Python module classes, as module.path:Class. Each must be allowed by name.",
        'import: {MyAttn: "mypkg.layers:MyAttn"}',
    ),
}

#: The required keys of a model. A library of blocks needs neither.
REQUIRED = ("input", "layers")
