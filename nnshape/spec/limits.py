"""The limits for a file that nobody vouches for; beyond each lies a `too-large` problem."""

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

#: What reading one model may compute in all: expressions, the items of tuples, the characters of texts.
#: A model of as many calls as there may be takes about half of it.
WORK: Final = 5_000_000

#: Integers stay below this, as torch's sizes do.
INTEGER: Final = 2**63

#: Characters of a name.
NAME_CHARACTERS: Final = 200

#: Problems of one file; the text of a file with more is not worth reading to its end.
PROBLEMS: Final = 1_000

#: Files in one include tree.
FILES: Final = 256
