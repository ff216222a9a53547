"""Holds a rule against the real module or function of torch, executed on the CPU.

`check_layer` and `check_function` run both with the same arguments and inputs. They must agree:
the same structure, shapes and dtypes out, the same parameters and buffers, or both refuse. The
rule is then run once more with a symbol for every size of every input: evaluated at the real
sizes, it must give the same answer, or have asked for a constraint that they break. Where both refuse,
the note of the rule, which people read after "torch says", must be the message of torch: see `quoting.py`.

The rules follow one release of torch. Each release refuses a few arguments that others accept. Under another release,
a case that only one side refuses is counted, and not held: see `pytest --cases`. Where both accept, they must agree.
"""

from __future__ import annotations

import operator
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from functional import check_functional_form
from laying import hold_layouts, lay
from quoting import hold_note
from torch.nn.utils import rnn
from torch_releases import FOLLOWED, RELEASE

from nnshape.shapes.constraints import collecting, numbering
from nnshape.shapes.dims import Dim, TooLarge, substitute, symbol
from nnshape.shapes.dtypes import DTYPES, DType
from nnshape.shapes.function import TWINS, Function
from nnshape.shapes.functions import find_function, find_method
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layers import find_layer
from nnshape.shapes.notices import noticing
from nnshape.shapes.packed import PackedSequence
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, tensors_in

#: What torch raises where it refuses an argument or an input.
TORCH_REFUSES = (
    RuntimeError,
    ValueError,
    TypeError,
    IndexError,
    AssertionError,
    NotImplementedError,
    ZeroDivisionError,
    OverflowError,
    AttributeError,
)
#: Refusals of the symbolic run which say that a symbol needs a value, not that a shape is wrong.
UNDECIDED = "unknown-value"
#: What torch refuses in training alone: of symbols, it is a notice and no condition.
IN_TRAINING_ONLY = (
    "ValueError: Expected more than 1 value per channel when training",
    "ValueError: batch_norm eps must be positive during training, but got 0",
)

#: How many cases were held against torch, by the rule's name and the verdict; of the refused ones, how many are quoted.
CASES: Counter[tuple[str, str]] = Counter()
#: The different cases among them since the gate (gate.py) last cleared this.
DIFFERENT: defaultdict[tuple[str, str], set[str]] = defaultdict(set)


def _identities(shape: tuple[int, ...]) -> torch.Tensor:
    """Identity matrices; zeros where the shape has no rows or no columns."""
    return torch.eye(*shape[-2:]).expand(shape).clone() if len(shape) > 1 else torch.zeros(shape)


def _zeros_and_ones(shape: tuple[int, ...]) -> torch.Tensor:
    return (torch.arange(1, torch.Size(shape).numel() + 1) % 2).reshape(shape)


#: What the real tensors are filled with, for the functions to which zeros say little or are no argument at all.
VALUES: dict[str, Callable[[tuple[int, ...]], torch.Tensor]] = {
    **dict.fromkeys(("inv", "inverse", "cholesky"), _identities),
    **dict.fromkeys(("unique", "unique_consecutive", "masked_select", "nonzero", "argwhere"), _zeros_and_ones),
    **dict.fromkeys(("mvlgamma", "mvlgamma_"), lambda shape: torch.full(shape, 9)),
    "istft": torch.ones,
    "tensor_split": lambda shape: torch.arange(1, torch.Size(shape).numel() + 1).reshape(shape),
    "pack_padded_sequence": torch.ones,  # lengths
}
#: Methods that need another device: the method of the CPU whose shape and dtype theirs are.
JUDGED_BY = {"cuda": "cpu"}


@dataclass(frozen=True)
class Refused:
    """What a rule or torch said when it refused."""

    message: str


def tensor(*shape: int, dtype: str = "float32") -> Tensor:
    """An abstract input for a case."""
    return Tensor(shape, DTYPES[dtype])


def check_layer(
    name: str, arguments: tuple = (), keywords: dict | None = None, inputs: tuple = (), call: dict | None = None,
    literal: tuple[int, ...] = (),
) -> Any:  # fmt: skip
    """Hold a layer against its class of `torch.nn`. Returns the rule's answer, or `Refused`.

    Sizes in `literal` stay numbers in the symbolic run.
    """
    keywords, call = keywords or {}, call or {}
    layer_class = find_layer(name)
    assert layer_class is not None, f"no rule for {name}"

    def by_rule(inputs: tuple, call: dict) -> tuple:
        layer = layer_class(*arguments, **keywords).resolve(list(tensors_in((inputs, call))))
        check_functional_form(layer, inputs, call)
        output = layer.apply(inputs, call)
        told(layer.derivation(*inputs, **call))
        return output, layer.parameters(), layer.buffers()

    def by_torch(inputs: tuple = inputs, call: dict = call) -> tuple:
        real_arguments = tuple(map(real_argument, arguments))
        module = getattr(torch.nn, name)(*real_arguments, **{k: real_argument(v) for k, v in keywords.items()})
        output = module(*map(real, inputs), **{k: real(v) for k, v in call.items()})
        persistent = {k: v for k, v in module.state_dict().items() if k not in dict(module.named_parameters())}
        return output, dict(module.named_parameters()), persistent

    def target() -> Layer:
        return layer_class(*arguments, **keywords).resolve(list(tensors_in((inputs, call))))

    return _check(name, f"{name}(*{arguments}, **{keywords})", by_rule, by_torch, inputs, call, literal, target)


def check_function(
    name: str, inputs: tuple = (), call: dict | None = None, method: bool = False, literal: tuple[int, ...] = ()
) -> Any:
    """Hold a function against `torch.nn.functional`, `torch` or the Tensor method of its name.

    Sizes in `literal` stay numbers in the symbolic run: 1 for what broadcasts, where a symbol never counts as 1.
    """
    call = call or {}
    rule = find_method(name) if method else find_function(name)
    assert rule is not None, f"no rule for {name}"

    def by_torch(inputs: tuple = inputs, call: dict = call) -> Any:
        values = VALUES.get(name, torch.zeros)
        arguments, keywords = real(inputs, values), {k: real(v, values) for k, v in call.items()}
        if method:
            found = getattr(arguments[0], JUDGED_BY.get(name, name))
            return found(*arguments[1:], **keywords) if callable(found) else found
        return torch_function(name)(*arguments, **keywords)

    def by_rule(inputs: tuple, call: dict) -> Any:
        result = rule.apply(inputs, call)
        told(rule.derivation(inputs, call))
        return result

    key = f"Tensor.{name}" if method and name in TWINS else name
    return _check(key, name, by_rule, by_torch, inputs, call, literal, lambda: rule)


def told(lines: tuple[str, ...]) -> None:
    """Hold that a derivation can be told wherever the rule has an answer."""
    assert all(isinstance(line, str) and line for line in lines)


def torch_function(name: str) -> Any:
    """Torch's function of this name: the functional one first, a Tensor method last."""
    for home in (torch.nn.functional, torch, torch.fft, torch.linalg, torch.special, rnn, operator):
        found = getattr(home, name, None)
        if callable(found):
            return found
    return getattr(torch.Tensor, name)


def real(value: Any, values: Callable[[tuple[int, ...]], torch.Tensor] = torch.zeros) -> Any:
    """The real value for an abstract one: tensors filled with zeros (valid as indices and classes), or other values."""
    if isinstance(value, Tensor):
        return lay(values(value.shape).to(getattr(torch, value.dtype)), value)
    if isinstance(value, DType):
        return getattr(torch, value)
    if isinstance(value, PackedSequence):
        return real_packed(value)
    if isinstance(value, (tuple, list)):
        return type(value)(real(item, values) for item in value)
    return value


def real_packed(value: PackedSequence) -> rnn.PackedSequence:
    """Sequences of one length, whose data has as many rows as there are steps of all."""
    sizes = torch.full(value.batch_sizes.shape, int(value.batch or 0))
    order = None if value.sorted_indices is None else torch.arange(int(value.batch or 0))
    return rnn.PackedSequence(real(value.data), sizes, order, order)


def real_argument(value: Any) -> Any:
    """The real value for a constructor's argument, which may be a layer."""
    if isinstance(value, Layer):
        fields = {name: real_argument(item) for name, item in vars(value).items()}
        return getattr(torch.nn, type(value).__name__)(**fields)
    if isinstance(value, Function):
        return torch_function(value.name)
    return real(value)


def _check(
    name: str,
    text: str,
    by_rule: Any,
    by_torch: Any,
    inputs: tuple,
    call: dict,
    literal: tuple[int, ...] = (),
    target: Any = None,
) -> Any:
    text = f"{text} on {_shown(inputs)} {_shown(call)}"
    sentence = note = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = shapes_of(by_torch())
    except TORCH_REFUSES as error:
        wanted, sentence = Refused(f"{type(error).__name__}: {error}"), str(error)
    sizes: dict[str, int] = {}
    try:
        with noticing() as notices, numbering(), collecting() as constraints:
            got = shapes_of(by_rule(inputs, call), sizes, wanted)
    except Refusal as refusal:
        got, note = Refused(f"{refusal.problem}: {refusal.message}"), refusal.note
    if in_training := [notice.note for notice in notices if notice.problem == "fails-in-training"]:
        got, note = Refused(f"fails-in-training: {text}"), in_training[0]  # torch was asked in training
    if RELEASE != FOLLOWED and isinstance(wanted, Refused) != isinstance(got, Refused):
        CASES[name, "different"] += 1
        return got
    verdict = "refused" if isinstance(wanted, Refused) else "accepted"
    CASES[name, verdict] += 1
    DIFFERENT[name, verdict].add(text)
    if isinstance(wanted, Refused) or isinstance(got, Refused):
        assert type(wanted) is type(got), f"{text}\n  torch: {wanted}\n  rule:  {got}"
        if RELEASE == FOLLOWED:
            hold_note(text, note, sentence)
            CASES[name, "quoted"] += bool(note)
    else:
        assert got == wanted, f"{text}\n  torch: {wanted}\n  rule:  {got}"
        assert all(c.holds(sizes) for c in constraints), f"{text}: asks for {constraints} at {sizes}"
        hold_layouts(text, target(), by_torch, inputs, call)
    _check_symbolic(text, by_rule, inputs, call, wanted, literal)
    return got


def _check_symbolic(
    text: str, by_rule: Any, inputs: tuple, call: dict, wanted: Any, literal: tuple[int, ...] = ()
) -> None:
    sizes: dict[str, int] = {}
    symbolic_inputs, symbolic_call = symbolized(inputs, sizes, literal), symbolized(call, sizes, literal)
    if any(size < 1 for size in sizes.values()):
        return  # a symbol stands for a size of 1 or more
    try:
        with numbering(), collecting() as constraints:
            answer = by_rule(symbolic_inputs, symbolic_call)
            got = shapes_of(answer, sizes, wanted)
    except Refusal as refusal:
        assert refusal.problem == UNDECIDED or isinstance(wanted, Refused), f"{text}, symbolic: refused {refusal}"
        return
    except TooLarge:
        return
    broken = [str(c) for c in constraints if c.holds(sizes) is not True]
    if isinstance(wanted, Refused):
        if wanted.message.startswith(IN_TRAINING_ONLY):
            return
        assert broken, f"{text}, symbolic: no constraint says what torch says: {wanted}"
        return
    assert not broken, f"{text}, symbolic: asks for {broken}, and torch does not, at {sizes}"
    assert got == wanted, f"{text}, symbolic at {sizes}\n  torch: {wanted}\n  rule:  {got}"


def symbolized(value: Any, sizes: dict[str, int], literal: tuple[int, ...] = ()) -> Any:
    """The value with a fresh symbol for each size of each tensor; `sizes` gets the symbols' values."""
    if isinstance(value, Tensor):
        shape = []
        for size in value.shape:
            if size in literal:
                shape.append(size)
                continue
            name = f"s{len(sizes)}"
            sizes[name] = size
            shape.append(symbol(name))
        return Tensor(tuple(shape), value.dtype)
    if isinstance(value, (tuple, list)):
        items = [symbolized(item, sizes, literal) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {key: symbolized(item, sizes, literal) for key, item in value.items()}
    return value


def shapes_of(value: Any, sizes: dict[str, int] | None = None, wanted: Any = None) -> Any:
    """The structure of a result as plain tuples: a tensor is (dtype, shape).

    `sizes` are the symbols' values. A symbol that is none of them depends on the values of a tensor: it gets its value
    from `wanted`, the structure that torch's result has.
    """
    if isinstance(value, torch.Tensor):
        return (str(value.dtype).removeprefix("torch."), tuple(value.shape))
    if isinstance(value, Tensor):
        return (str(value.dtype), shapes_of(value.shape, sizes, wanted[1] if isinstance(wanted, tuple) else None))
    if isinstance(value, (tuple, list)):
        parts = wanted if isinstance(wanted, tuple) and len(wanted) == len(value) else [None] * len(value)
        return tuple(shapes_of(item, sizes, part) for item, part in zip(value, parts, strict=True))
    if isinstance(value, dict):
        return {key: shapes_of(item, sizes) for key, item in value.items()}
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, Dim) and sizes is not None:
        if isinstance(wanted, int) and str(value).isidentifier():
            sizes.setdefault(str(value), wanted)
        return substitute(value, sizes)
    return value


def _shown(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_shown, value))})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k}: {_shown(v)}' for k, v in value.items())}}}"
    return repr(value)
