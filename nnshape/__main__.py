"""`python -m nnshape`: the command line."""

import sys

from nnshape.cli import main

sys.exit(main())
