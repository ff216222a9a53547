"""Einstein summation: https://pytorch.org/docs/stable/generated/torch.einsum.html."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nnshape.shapes.broadcasting import shared_size
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import DType, promote, result_type
from nnshape.shapes.function import function
from nnshape.shapes.functions.reduction import summed_dtype
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, product
from nnshape.work import spend

if TYPE_CHECKING:
    from nnshape.shapes.tensor import Shape

#: The label of a dimension under an ellipsis, counted from the last.
_Labels = list[str]
#: The cost of one operand, in units of work.
_OPERAND = 20


def _labels(term: str, equation: str) -> tuple[_Labels, int | None]:
    """The letters of one operand, and the position of its ellipsis."""
    letters: _Labels = []
    ellipsis = None
    term = term.replace(" ", "")
    place = 0
    while place < len(term):
        letter = term[place]
        if term.startswith("...", place):
            if ellipsis is not None:
                raise _malformed(equation, f"{term!r} has two ellipses")
            ellipsis = len(letters)
            place += 3
            continue
        if not (letter.isascii() and letter.isalpha()):
            raise _malformed(equation, f"{letter!r} is neither a letter nor part of an ellipsis")
        letters.append(letter)
        place += 1
    return letters, ellipsis


def _malformed(equation: str, why: str) -> Refusal:
    return Refusal("invalid-argument", f"einsum cannot read {equation!r}: {why}", "equation", note=f"einsum(): {why}")


class ReadEquation:
    """An equation with its operands: the size of each label, and the labels of each operand and of the result."""

    def __init__(self, equation: str, operands: tuple[Tensor, ...]) -> None:
        self.equation = equation
        left, arrow, right = equation.partition("->")
        terms = left.split(",")
        if not operands:
            raise Refusal("missing-argument", "einsum takes an equation and one or more tensors", "operands")
        if len(terms) != len(operands):
            fewer = "fewer" if len(operands) < len(terms) else "more"
            note = f"einsum(): {fewer} operands were provided than specified in the equation"
            message = f"{equation!r} takes {len(terms)} tensors, but {len(operands)} arrive"
            raise Refusal("missing-argument", message, "operands", note=note)
        self.sizes: dict[str, Size] = {}
        self.operands: list[_Labels] = []
        self.own: list[dict[str, Size]] = []  # the sizes in each operand, before they broadcast
        self.covered = 0  # dimensions under the widest ellipsis
        parsed = [_labels(term, equation) for term in terms]
        for (letters, ellipsis), tensor in zip(parsed, operands, strict=True):
            self._read(letters, ellipsis, tensor.shape)
        self.output = self._output(right, parsed) if arrow else self._implicit(parsed)
        spend(_OPERAND * len(operands))
        #: For each operand, the labels of the result and of the remaining operands whose size is not 1.
        self.later: list[frozenset[str]] = [frozenset(self.output)]
        for own in reversed(self.own[1:]):
            self.later.append(self.later[-1].union(label for label, size in own.items() if size != 1))
        self.later.reverse()

    def _read(self, letters: _Labels, ellipsis: int | None, shape: Shape) -> None:
        number = len(self.operands)
        free = len(shape) - len(letters)
        if free < 0 or (free and ellipsis is None):
            note = (
                f"einsum(): the number of subscripts in the equation ({len(letters)}) does not match the number of "
                f"dimensions ({len(shape)}) for operand {number}"
            )
            note += " and no ellipsis was given" if free > 0 else ""
            message = (
                f"{''.join(letters)!r} of {self.equation!r} names {len(letters)} dimensions, "
                f"but tensor {number + 1} has {len(shape)}"
            )
            raise Refusal("wrong-rank", message, "operands", note=note)
        self.covered = max(self.covered, free)
        labels = letters if ellipsis is None else [*letters[:ellipsis], *_dots(free), *letters[ellipsis:]]
        own: dict[str, Size] = {}
        for label, size in zip(labels, shape, strict=True):
            if label in own and not (own[label] == size or assume_equal(own[label], size)):
                note = (
                    f"einsum(): subscript {label} is repeated for operand {number} but the sizes don't match, "
                    f"{size} != {own[label]}"
                )
                message = f"{label} stands for {own[label]} and for {size} in tensor {number + 1}"
                raise Refusal("size-mismatch", message, "operands", note=note)
            own[label] = size
        for label, size in own.items():
            known = self.sizes.get(label, 1)
            common = shared_size(known, size)
            if common is None:
                name = "..." if label.startswith(".") else label
                note = (
                    f"einsum(): subscript {name} has size {size} for operand {number} "
                    f"which does not broadcast with previously seen size {known}"
                )
                message = f"{name} of {self.equation!r} is {known}, but {size} in tensor {number + 1}"
                raise Refusal("size-mismatch", message, "operands", note=note)
            self.sizes[label] = common
        self.operands.append(labels)
        self.own.append(own)

    def _output(self, right: str, parsed: list[tuple[_Labels, int | None]]) -> _Labels:
        letters, ellipsis = _labels(right, self.equation)
        for place, label in enumerate(letters):
            if label in letters[:place]:
                raise _malformed(self.equation, f"output subscript {label} appears more than once in the output")
            if label not in self.sizes:
                raise _malformed(
                    self.equation, f"output subscript {label} does not appear in the equation for any input operand"
                )
        if ellipsis is None:
            return letters
        return [*letters[:ellipsis], *_dots(self.covered), *letters[ellipsis:]]

    def _implicit(self, parsed: list[tuple[_Labels, int | None]]) -> _Labels:
        """The result's labels without an arrow: the ellipsis, then each letter that occurs once, alphabetically."""
        letters = Counter(letter for found, _ in parsed for letter in found)
        # Uppercase letters come before lowercase ones, as in torch.
        return [*_dots(self.covered), *sorted(letter for letter, count in letters.items() if count == 1)]

    def contracted(self, number: int, pending: dict[str, Size]) -> list[str]:
        """The labels summed with this operand, since no later one has them."""
        later, own = self.later[number], self.own[number]
        return [label for label in own if label not in later and own[label] != 1 and pending.get(label, 1) != 1]

    def joined(self, number: int, pending: dict[str, Size]) -> dict[str, Size]:
        """The sizes that remain after this operand."""
        later, own = self.later[number], self.own[number]
        both = {**pending, **own}
        return {
            label: own[label] if pending.get(label, 1) == 1 and label in own else pending[label]
            for label in both
            if label in later
        }


def _dots(count: int) -> _Labels:
    return [f".{place}" for place in range(count, 0, -1)]


@function(example=("einsum('ij,ij->i', x, x)", "[6, 5]"))
def einsum(equation: str, *operands: Tensor) -> Tensor:
    """Multiplies tensors and sums over dimensions, as given by an equation over dimension labels.

    equation: the labels, such as "bhid,bhjd->bhij"; labels missing after the arrow are summed over.
    operands: one tensor per term.
    """
    read = ReadEquation(equation, operands)
    shape = tuple(read.sizes[label] for label in read.output)
    return Tensor(shape, _dtype(read, operands))


def _dtype(read: ReadEquation, operands: tuple[Tensor, ...]) -> DType:
    """The dtype of the result: sums of integers are int64, products need one dtype."""
    dtype = operands[0].dtype
    if len(operands) == 1:
        return summed_dtype(operands[0], None) if set(read.operands[0]) - set(read.output) else dtype
    pending = read.own[0]
    for number, tensor in enumerate(operands[1:], 1):
        own, joined = tensor.dtype, read.joined(number, pending)
        summed = read.contracted(number, pending)
        if _alone(pending, joined, summed):
            dtype = summed_dtype(Tensor((), dtype), None)
        if _alone(read.own[number], joined, summed):
            own = summed_dtype(tensor, None)
        if summed and (dtype != own or dtype == "bool"):
            message = f"{{layer}} multiplies tensors of one dtype, but {dtype} and {own} arrive"
            if dtype == own:
                message = "torch has no matrix product of bools"
            raise Refusal("wrong-dtype", message, "operands", note=f"expected scalar type {dtype} but found {own}")
        dtype = promote(dtype, own) if any(read.operands) else result_type(Tensor((), dtype), Tensor((), own))
        pending = joined
    return dtype


def _alone(own: dict[str, Size], joined: dict[str, Size], summed: list[str]) -> bool:
    """Whether one operand of a pair has dimensions that are summed before the product."""
    return any(size != 1 and label not in joined and label not in summed for label, size in own.items())


@einsum.counts
def _einsum_macs(output: Tensor, equation: str, *operands: Tensor) -> Size:
    """MACs of the batched product of each pair, from left to right, as in torch."""
    read = ReadEquation(equation, operands)
    total: Size = 0
    pending = read.own[0]
    for number in range(1, len(operands)):
        summed = read.contracted(number, pending)
        pending = read.joined(number, pending)
        if summed:  # dimensions of only one operand that are not needed later are summed first
            total = total + product(pending.values()) * product(read.sizes[label] for label in summed)
    return total
