"""`python -m nnshape`: the command line."""

import os
import sys

# For `-m`, Python puts the current folder first on sys.path, and a file such as socket.py there would run in place
# of Python's own. So nothing is imported before the folder is off the path: sys is built in, and os imported already.
# Two things come before this file, and cannot be helped here: Python takes a folder nnshape/ of the current folder
# for this package, and imports runpy and importlib. The command `nnshape` has neither, nor `python -P -m nnshape`.
if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    try:
        if sys.path[:1] == [os.getcwd()]:
            del sys.path[0]
    except OSError:  # the folder is gone, and Python has put nothing on the path
        pass

from nnshape.cli import main

sys.exit(main())
