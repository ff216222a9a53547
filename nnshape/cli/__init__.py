"""The command line: one command a file, found by its name."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name, those of the process by default, and return the exit code.

    It is 0, 1 for a wrong model, 2 for wrong usage, and 128 plus a signal's number where a signal stopped it.
    """
    from nnshape.cli.stopping import Stopped, stoppable

    try:
        with stoppable(last=arguments is None):
            from nnshape.cli import program

            return program.main(arguments)
    except Stopped as stopped:
        return stopped.code
    except KeyboardInterrupt:  # in the moments before and after the program's own handling
        return 130
