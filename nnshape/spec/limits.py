"""The limits for untrusted files. Exceeding one is a `too-large` problem."""

from __future__ import annotations

from typing import Final

#: Bytes of one file, and characters of all the files that it includes.
TEXT_BYTES: Final = 1024 * 1024

#: Levels of nesting: of YAML collections, of brackets in an expression, and of includes.
DEPTH: Final = 64

#: Operators and calls inside one another in one expression, such as the terms of a long sum.
EXPRESSION_DEPTH: Final = 100

EXPRESSION_CHARACTERS: Final = 2_000

#: YAML values in one file: two for each of the calls that a model may have, and some to spare.
NODES: Final = 220_000

#: Calls in one model, so also steps in one body.
CALLS: Final = 100_000

ITERATIONS: Final = 10_000

#: Units of work (about a microsecond each, see `nnshape.work`) that tracing one model may take, the
#: units that each of its calls adds to them, and the units that a call takes whatever it calls.
WORK: Final = 1_000_000
WORK_A_CALL: Final = 160
CALL: Final = 60

#: Characters of a call's path that take one unit: modules, parameters and rows repeat it.
PATH_CHARACTERS: Final = 8

#: Units of work for the labels of one trace's problems, and for the fixes of one file in all its variants.
EXPLAINING: Final = 200_000
FIXING: Final = 1_200_000
FIXING_A_CALL: Final = 200

#: Units of work that reading a character of a file takes, at the most.
READING: Final = 2

#: Dimensions of a tensor: most of torch's functions take no more.
DIMENSIONS: Final = 64

#: Variants of one file. Families of models have about ten; each variant is traced, and proved, on its own.
VARIANTS: Final = 64

#: Integers stay below this, as torch's sizes do.
INTEGER: Final = 2**63

#: Characters of a name.
NAME_CHARACTERS: Final = 200

#: Problems of one file; the text of a file with more is not worth reading to its end.
PROBLEMS: Final = 1_000

#: Files in one include tree.
FILES: Final = 256
