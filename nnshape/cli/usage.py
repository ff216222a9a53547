"""Errors in how a command is used."""

from __future__ import annotations

import typer


def _base_of_usage_errors() -> type[Exception]:
    """The base class of typer's usage errors, click's or typer's own copy; typer does not export it."""
    return next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


UsageError = _base_of_usage_errors()


class Misuse(typer.BadParameter):
    """A usage error with a complete message, without the name of an option or argument before it."""

    def format_message(self) -> str:
        """The message."""
        return self.message
