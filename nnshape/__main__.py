"""`python -m nnshape`: the command line."""

import os
import sys

# For `-m`, Python puts the current folder first on sys.path, and a file such as socket.py there would shadow
# Python's own. So nothing is imported before the folder is off the path: sys is built in, and os imported already.
# Two things happen before this file runs, and cannot be prevented here: Python uses a folder nnshape/ in the current
# folder as this package, and imports runpy and importlib. The commands `nnshape` and `python -P -m nnshape` avoid both.
if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    try:
        if sys.path[:1] == [os.getcwd()]:
            del sys.path[0]
    except OSError:  # the folder was removed, and Python has put nothing on the path
        pass

from nnshape.cli import main

sys.exit(main())
