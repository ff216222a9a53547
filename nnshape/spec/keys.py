"""The keys of a spec file: what each holds, and how it is written, for the reader and the JSON Schema."""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """What a key of a file holds, in a sentence, and an example of it as it stands in a file."""

    meaning: str
    example: str


#: Every key that a file may have, in the order in which messages list them.
KEYS: dict[str, Key] = {
    "name": Key(
        "What the model is called; the file's own name where it is left out.",
        "name: LeNet",
    ),
    "input": Key(
        "The shape of what goes in: 1x32x32 is that of one sample, [N, 1, H, W] is taken as written, int64[N, T] has a "
        "dtype. Several inputs are a mapping of their names to shapes; a single one is called x.",
        "input: 1x32x32",
    ),
    "layers": Key(
        "The model's steps in order: a mapping of names to steps, or a list, whose steps are named 0, 1, …",
        "layers:\n  conv1: Conv2d(1, 6, 5)",
    ),
    "hparams": Key(
        "The file's named numbers, words and lists, for its expressions; --set and variants override them.",
        "hparams: {depth: 12}",
    ),
    "dims": Key(
        "The values at which symbolic sizes are traced, shown and proved; a size without one stays a symbol.",
        "dims: {H: 224, W: 224}",
    ),
    "blocks": Key(
        "Reusable blocks: Name(p, q=1)(x[N, T, D]) names the hyperparameters, then the inputs, and holds the steps.",
        'blocks: {Name(p): {fc: "Linear(auto, p)"}}',
    ),
    "output": Key(
        "What the model gives back in place of its last step: an expression, a list of them, or a mapping of names to "
        "them.",
        "output: conv1",
    ),
    "tie": Key(
        "Parameters that are one tensor: the path on the left shares that of the path on the right.",
        "tie: {head.weight: embed.weight}",
    ),
    "freeze": Key(
        "Globs of the parameters that are not trainable.",
        "freeze: [features.*]",
    ),
    "expect": Key(
        "What the model comes to; nnshape check fails where that no longer holds.",
        "expect: {parameters: 81290}",
    ),
    "variants": Key(
        "Named sets of values for hparams and sizes: check goes through each, --variant picks one.",
        "variants: {small: {depth: 6}}",
    ),
    "include": Key(
        "Other specs by a name of the file's own: rn.Block(64) is a block of that file, rn() the whole of its model.",
        "include: {rn: resnet.yaml}",
    ),
    "import": Key(
        "Python module classes, as module.path:Class; each is refused unless it is allowed by name.",
        'import: {MyAttn: "mypkg.layers:MyAttn"}',
    ),
}

#: The keys that a model cannot do without; a file of which only the blocks are included needs neither.
REQUIRED = ("input", "layers")
