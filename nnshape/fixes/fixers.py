"""The fixers: each proposes edits for some kinds of problem. The search tries them in this order, nearest first.

To add one, write a generator of `Candidate` in a file of its own, and a line here. A fixer proposes freely: the
search makes each edit, traces the model again, and drops those that do not help.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nnshape.fixes import (
    arguments,
    batch_parameters,
    batches,
    block_inputs,
    dimensions,
    gaps,
    inputs,
    inserted,
    mistaken,
    operands,
    orders,
    own,
    samples,
    tensors,
    two_steps,
    upstream,
    values,
)
from nnshape.fixes.fix import Candidate
from nnshape.problems.kinds import KindName
from nnshape.records import dataclass
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext

Propose = Callable[[Trace, FaultContext], Iterator[Candidate]]


@dataclass(frozen=True, slots=True)
class Fixer:
    """A source of candidates for problems of these kinds, all if none is named; at most `most` become fixes."""

    propose: Propose
    kinds: tuple[KindName, ...] = ()
    most: int = 1
    #: Its edit may go on to the layers below that the changed size reaches.
    followed: bool = False
    #: It adds, selects or moves something, so the numbers of the failing layer are probably right. Once it has found a
    #: fix, the fault has two readings, and the layer's own size is offered but is no longer a safe fix.
    structural: bool = False
    #: Its edit must not need a symbol of an input to be a number.
    exact: bool = False
    #: It is only asked if no fixer above has found a fix.
    last_resort: bool = False


_BATCH: tuple[KindName, ...] = ("fixed-batch", "restricted-batch")

_SHAPES: tuple[KindName, ...] = ("fixed-batch", "size-mismatch", "wrong-rank")

FIXERS: tuple[Fixer, ...] = (
    Fixer(batches.classes_first, ("size-mismatch",), structural=True),
    Fixer(batch_parameters.one_for_all, ("fixed-batch",)),
    Fixer(batches.batch_first, _BATCH),
    Fixer(batches.new_axes, _BATCH, exact=True),
    Fixer(batches.numbers, _BATCH),
    Fixer(batches.expanded, _BATCH),
    Fixer(batches.other_sizes, _BATCH),
    Fixer(batches.batch_of_input, _BATCH),
    Fixer(batches.flattened, _BATCH),
    Fixer(batches.swapped_dimensions, _BATCH),
    Fixer(batch_parameters.batch_in_front, ("fixed-batch",)),
    Fixer(arguments.in_a_tuple, ("wrong-type", "unknown-argument"), structural=True),
    Fixer(arguments.called_with_tensors, ("missing-argument", "unknown-argument", "wrong-type"), structural=True),
    Fixer(arguments.without_empty_call, ("missing-argument",)),
    Fixer(arguments.only_the_tensor, ("wrong-type",)),
    Fixer(arguments.known_arguments, ("unknown-argument",)),
    Fixer(values.converted, ("invalid-argument", "wrong-type")),
    Fixer(values.valid_values, ("index-error", "invalid-argument")),
    Fixer(dimensions.in_range, ("index-error",)),
    Fixer(dimensions.each_once, ("invalid-argument",)),
    Fixer(gaps.missing_size, ("missing-argument",)),
    Fixer(mistaken.factor_for_size, ("size-mismatch", "empty-output"), structural=True),
    Fixer(mistaken.key_widths, ("size-mismatch",)),
    Fixer(mistaken.swapped_arguments, ("not-divisible", "size-mismatch"), structural=True),
    Fixer(mistaken.without_batch, ("wrong-rank",)),
    Fixer(tensors.states_with_layers, _SHAPES, structural=True),
    Fixer(tensors.in_the_other_order, (*_SHAPES, "wrong-dtype"), structural=True),
    Fixer(tensors.unused_input, (*_SHAPES, "wrong-dtype"), structural=True),
    Fixer(tensors.target_like_scores, ("size-mismatch",)),
    Fixer(tensors.class_indices, (*_SHAPES, "wrong-dtype"), most=2, structural=True),
    Fixer(batches.new_axes, ("size-mismatch",), structural=True, exact=True),
    Fixer(operands.one_of_several, most=2, structural=True),
    Fixer(samples.samples_apart),
    Fixer(inserted.missing_step, structural=True),
    Fixer(two_steps.flatten_and_size, ("size-mismatch",), structural=True),
    Fixer(two_steps.channels_last_and_back, ("size-mismatch",), structural=True),
    Fixer(block_inputs.matching_hyperparameter, ("unexpected-shape",)),
    Fixer(orders.other_dimension, ("size-mismatch",), structural=True),
    Fixer(orders.every_dimension, ("wrong-rank",)),
    Fixer(orders.normalized_last, ("wrong-rank", "size-mismatch"), structural=True),
    Fixer(orders.swapped_sizes, ("size-mismatch",), structural=True),
    Fixer(own.copied, most=2),
    Fixer(own.another_family),
    Fixer(own.match_input, followed=True),
    Fixer(own.reshapes, followed=True),
    Fixer(own.divisors, ("not-divisible",), most=2),
    Fixer(own.another_window, ("empty-output",), most=2),
    Fixer(inserted.without_step, ("empty-output", "wrong-rank")),
    Fixer(inserted.above_flatten, ("wrong-rank",)),
    Fixer(own.another_dtype, ("wrong-dtype",)),
    Fixer(inputs.other_dtype, ("wrong-dtype",)),
    Fixer(inputs.even_map, ("size-mismatch",), most=2),
    Fixer(operands.another_form),
    Fixer(upstream.upstream),
    Fixer(inserted.projection, ("size-mismatch",)),
    Fixer(inputs.other_shape, ("size-mismatch", "wrong-rank")),
    Fixer(gaps.wrong_size, ("index-error", "invalid-argument", "wrong-type"), last_resort=True),
    Fixer(inputs.other_map, ("empty-output",)),
)
