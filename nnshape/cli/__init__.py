"""The command line: one file per command, named after it."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, by default with the arguments of the process, and return the exit code.

    The code is 0 on success, 1 for a wrong model, 2 for wrong usage, or 128 plus the number of a signal.
    """
    from nnshape.cli.stopping import Stopped, stoppable

    try:
        with stoppable(last=arguments is None):
            from nnshape.cli import program

            return program.main(arguments)
    except Stopped as stopped:
        return stopped.code
    except KeyboardInterrupt:  # before or after the program handles it
        return 130
