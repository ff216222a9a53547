"""The signals that stop a command: SIGINT (Ctrl-C), SIGTERM, and SIGHUP when the terminal closes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_IMPORT = "<frozen importlib._bootstrap>"
_SHOW_CURSOR = "\x1b[?25h\n"


class Stopped(BaseException):
    """A signal stops the command. While this propagates, partial files and processes are cleaned up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


@contextmanager
def stoppable(last: bool) -> Iterator[None]:
    """Raise Stopped, or KeyboardInterrupt for SIGINT, on a signal that nobody else handles or ignores.

    `last`: the process does nothing else afterwards, so a signal during Python's exit, which takes a moment with
    torch, ends it without a traceback.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, _leave if last else handler)


def _stop(number: int, frame: FrameType | None) -> None:
    """Raise the exception for a signal; during an import, which may swallow it (torch does), end the process."""
    for each in _SIGNALS:
        if signal.getsignal(each) is _stop:
            signal.signal(each, _leave)  # a second signal does not wait for the cleanup
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            _leave(number, frame)
        frame = frame.f_back
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Stopped(number)


def _leave(number: int, frame: FrameType | None) -> None:
    """End the process with the conventional exit code of the signal; its worker processes end too."""
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR.encode())  # a progress bar hides it
    os._exit(128 + number)
