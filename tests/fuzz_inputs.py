"""What `tests/fuzz.py` puts through nnshape: files that are hostile, broken, or nearly right, each made from a seed."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "fixes"))

from gallery import CONFIGS, NAMES, text_of
from mutating import mutated

from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import all_layers
from nnshape.spec.keys import KEYS as SPEC_KEYS

EXAMPLES = [rule.example for rule in (*all_layers().values(), *all_functions().values())]
CALLABLES = [*all_layers(), *(name.removeprefix("Tensor.") for name in all_functions())]
KEYS = list(SPEC_KEYS)
VARIABLES = ["x", "y", "_", "N", "T", "H", "d", "n", "self", "s0", "s1", "B", "i"]
NUMBERS = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "64",
    "4096",
    "1.5",
    "-0.0",
    "1e400",
    "inf",
    "2**31",
    "2**62",
    "9" * 25,
    "10**4000",
]
ATOMS = [*NUMBERS, *VARIABLES, "None", "True", "auto", "'mean'", "''", "...", "()", "[]", "float32", "int64", "1j"]
TOKENS = [*ATOMS, *" \n\t:-[](){},|>&*!%@#?'\"\\=.+/<~^", "- ", ": ", "\n  ", "\n    ", "**", "//", " if ", " else ",
          " for i in ", "lambda: ", "range(", "Linear(", "relu(", "-> ", "{type: ", "<<: ", "\x00", "\x1b[2J", "\u202e",
          "\u2028", "\ufeff", "\ud800", "é"]  # fmt: skip
SHAPES = ["4", "1x32x32", "[N, T]", "int64[N, T]", "3xHxW", "[N, 4, T]", "bool[N]", "uint16[N, 4]", "[]", "0", "1x0",
          "complex64[N, 8]", "[N, N]", "(H//2)x(W-1)", "minx4",
          "[2**40, N]", "float8[N]", "min", "x", "[N, H*W, H//W]"]  # fmt: skip
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "<", "==", "is", "in", "and", "or", "<<"]


class Draw(random.Random):
    """Random pieces of a file."""

    def expression(self, depth: int) -> str:
        """An expression of the language's grammar, that need not mean anything."""
        if depth <= 0 or self.random() < 0.15:
            return self.choice(ATOMS)
        one, two = self.expression(depth - 1), self.expression(depth - 1)
        name = self.choice(CALLABLES)
        return self.choice([
            lambda: f"{name}({one})", lambda: f"{name}({one}, {two})", lambda: f"{name}({one})({two})",
            lambda: f"{name}({one}, {self.word()}={two})", lambda: f"{name}(*{one}, **{two})",
            lambda: f"{one} {self.choice(OPERATORS)} {two}", lambda: f"({one}).{name}({two})", lambda: f"{one}[{two}]",
            lambda: f"{one}[{two}:{self.choice(NUMBERS)}, ...]", lambda: f"({one}, {two})", lambda: f"[{one}, {two}]",
            lambda: f"{one} if {two} else x", lambda: f"[{one} for i in range({two})]", lambda: f"-({one})",
            lambda: f"Sequential({name}({one}) for i in range({self.choice(NUMBERS)}))",
            lambda: f"f'a{{{one}}}'", lambda: f"dict(a={one}, b={two})", lambda: f"not {one}",
            lambda: f"({one}).shape[{self.choice(NUMBERS)}]", lambda: f"B({one})({two})",
            lambda: f"cat([{one}] * {self.choice(NUMBERS)}, 1)", lambda: f"Parameter({one}, {two})",
        ])()  # fmt: skip

    def word(self) -> str:
        """A name of an argument, right for some callable."""
        return self.choice(["dim", "bias", "kernel_size", "size", "dtype", "device", "out", "padding", "p", "input"])

    def step(self) -> str:
        """One step, most often one that runs."""
        kind = self.randrange(6)
        if kind < 2:
            return self.rewritten(self.choice(EXAMPLES)[0])
        if kind == 2:
            return f"{self.choice(CALLABLES)}({', '.join(self.choice(ATOMS) for _ in range(self.randrange(5)))})"
        if kind == 3:
            return f"Linear({self.choice(NUMBERS)}, {self.choice(NUMBERS)})"
        return self.expression(self.randrange(1, 5))

    def rewritten(self, text: str) -> str:
        """A text with one number or argument in it that is another."""
        digits = [at for at, sign in enumerate(text) if sign.isdigit()]
        if not digits or self.random() < 0.3:
            return text
        at = self.choice(digits)
        return text[:at] + self.choice(ATOMS) + text[at + 1 :]

    def value(self, depth: int) -> str:
        """A YAML value in flow style, of any kind."""
        if depth <= 0 or self.random() < 0.4:
            return quoted(self.choice([*ATOMS, *SHAPES, *KEYS]))
        items = [self.value(depth - 1) for _ in range(self.randrange(4))]
        if self.random() < 0.5:
            return f"[{', '.join(items)}]"
        return "{" + ", ".join(f"{self.choice([*VARIABLES, *KEYS, 'type', 'from'])}: {item}" for item in items) + "}"


def quoted(text: str) -> str:
    """A YAML string that holds the text."""
    return "'" + text.replace("'", "''").replace("\n", " ") + "'"


def of_bytes(draw: Draw) -> bytes:
    """Bytes at random, or a gallery file after some accidents to its bytes."""
    if draw.random() < 0.3:
        return draw.randbytes(draw.randrange(400))
    data = draw.choice(sorted(CONFIGS.glob("*.yaml"))).read_bytes()
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data))
        end = at + draw.randrange(1, 40)
        piece = draw.choice(
            [
                b"",
                draw.randbytes(3),
                data[at:end] * draw.choice([2, 50]),
                draw.choice(TOKENS).encode("utf-8", "replace"),
            ]
        )
        data = data[:at] + piece + data[draw.choice([at, at, end]) :] or b"a"
    return data


def of_tokens(draw: Draw) -> bytes:
    """Tokens of YAML and of expressions in any order."""
    text = "".join(draw.choice(TOKENS) for _ in range(draw.randrange(1, 60)))
    head = draw.choice(["", "input: 4\nlayers:\n  a: ", "input: 4\nlayers: ", "input: ", "blocks:\n  "])
    return (head + text).encode("utf-8", "replace")


def of_structure(draw: Draw) -> bytes:
    """Keys of a spec, with values of any structure; the steps are of the language's grammar."""
    lines = [f"input: {quoted(draw.choice(SHAPES))}"]
    if draw.random() < 0.3:
        lines = [f"input: {{x: {quoted(draw.choice(SHAPES))}, y: {quoted(draw.choice(SHAPES))}}}"]
    if draw.random() < 0.5:
        lines.append(f"hparams: {{d: {quoted(draw.choice(ATOMS))}, n: {draw.value(2)}}}")
    if draw.random() < 0.4:
        body = [f"    {name}: {quoted(draw.step())}" for name in ("a", "b")[: draw.randint(1, 2)]]
        lines += [
            "blocks:",
            f"  ? {quoted(draw.choice(['B()', 'B(n)', 'B(n=1)(x, y)', 'B(x[N, T])', 'B(n)(x[N, T])']))}",
        ]
        lines += ["  :", *body]
    lines.append("layers:")
    for index in range(draw.randint(1, 8)):
        value = quoted(draw.step()) if draw.random() < 0.85 else draw.value(3)
        lines.append(f"  s{index}: {value}")
    for key in draw.sample(KEYS, draw.randrange(3)):
        lines.append(f"{key}: {draw.value(3)}")
    return "\n".join(lines).encode("utf-8", "replace")


def of_rules(draw: Draw) -> bytes:
    """A rule's own example with another input, another number, or a wild argument."""
    step, *shapes = draw.choice(EXAMPLES)
    shapes = shapes or ["4"]
    inputs = []
    for index, shape in enumerate(shapes):
        name, _, own = shape.rpartition("=")
        changed = draw.choice(SHAPES) if draw.random() < 0.3 else draw.rewritten(own) if draw.random() < 0.3 else own
        inputs.append(f"{name or ('x' if not index else draw.choice(VARIABLES))}: {quoted(changed)}")
    texts = [draw.rewritten(step), draw.step()]
    layers = "\n".join(f"  s{index}: {quoted(text)}" for index, text in enumerate(texts[: draw.randint(1, 2)]))
    return f"input: {{{', '.join(inputs)}}}\nlayers:\n{layers}\n".encode("utf-8", "replace")


def of_gallery(draw: Draw) -> bytes:
    """A gallery file with one or two of the mistakes that people make."""
    return mutated(text_of(draw.choice(NAMES)), draw).text.encode()


def of_size(draw: Draw) -> bytes:
    """Much of one thing: steps, faults, blocks that call blocks, variants, terms."""
    count = draw.choice([20, 100, 400, 1_000])
    step = quoted(draw.step())
    return draw.choice([
        lambda: "input: 4\nlayers:\n" + "".join(f"  s{i}: {step}\n" for i in range(count)),
        lambda: "input: 4\nlayers:\n" + "".join(f"  s{i}: Linear({i}, {i + 2})\n" for i in range(count // 4)),
        lambda: "input: '[N, T]'\nlayers:\n  s0: x.shape[1] + 1\n"
        + "".join(f"  s{i + 1}: s{i} {draw.choice(['*', '+', '//', '-'])} (T + {i})\n" for i in range(count // 10)),
        lambda: "input: 4\nblocks:\n  B0: {a: ReLU()}\n"
        + "".join(f"  B{i + 1}: {{a: B{i}(), b: B{i}()}}\n" for i in range(count // 20))
        + f"layers:\n  a: B{count // 20}()\n",
        lambda: f"input: 4\nhparams: {{d: 1}}\nvariants: {{{', '.join(f'v{i}: {{d: {i}}}' for i in range(count))}}}\n"
        f"layers:\n  a: {step}\n",
        lambda: "input: '[" + ", ".join(f"A{i}" for i in range(count)) + f"]'\nlayers:\n  a: {step}\n",
        lambda: "input: 4\nlayers:\n  a: " + quoted("(" + " + ".join(["x"] * count) + ")") + "\n",
        lambda: "input: 4\nlayers:\n  a: " + "[" * count,
    ])().encode("utf-8", "replace")  # fmt: skip


#: The kinds of input, and how often each is drawn.
KINDS: dict[str, tuple[Callable[[Draw], bytes], int]] = {
    "bytes": (of_bytes, 15),
    "tokens": (of_tokens, 15),
    "structure": (of_structure, 30),
    "rules": (of_rules, 20),
    "gallery": (of_gallery, 15),
    "size": (of_size, 5),
}


def input_of(seed: int, index: int) -> tuple[str, bytes]:
    """The kind and the content of one file: the same for the same seed and index."""
    draw = Draw(f"{seed} {index}")
    (kind,) = draw.choices(list(KINDS), [weight for _, weight in KINDS.values()])
    return kind, KINDS[kind][0](draw)
