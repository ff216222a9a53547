"""Starts worker processes, which never run code from the current folder.

multiprocessing starts processes with the current folder first on sys.path, so that a socket.py there would run instead
of Python's. This module starts them without it, in the same way on every version of Python.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any, Protocol

import nnshape
from nnshape.checking.judging import Judgement, Task
from nnshape.checking.serving import NUMBER, READY

#: sys is built in, so the path is set before anything is imported.
_CODE = "import sys; sys.path[:] = sys.argv[1:]; from nnshape.checking import serving; serving.{}({!r})"
#: Variables that workers must not inherit. With PYTHONINSPECT, Python reads statements from stdin at its end.
_NOT_PASSED_ON = ("PYTHONINSPECT", "NNSHAPE_TRACEBACK")


class WorkerEnded(Exception):
    """A worker exited during a task; `status` is its exit status, negative for a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Worker:
    """A process that checks one task at a time."""

    def __init__(self, tasks: IO[bytes], judgements: IO[bytes], end: Callable[[], int]) -> None:
        self._tasks, self._judgements, self._end = tasks, judgements, end
        self._status: int | None = None
        self._lock = threading.Lock()

    def judge(self, task: Task) -> Judgement:
        """Check a task. Raises WorkerEnded."""
        try:
            pickle.dump(task, self._tasks)
            self._tasks.flush()
            judgement: Judgement = pickle.load(self._judgements)
        except (EOFError, OSError, pickle.UnpicklingError):
            raise WorkerEnded(self.end()) from None
        return judgement

    def end(self) -> int:
        """Kill the process if it is running and return its exit status. Thread-safe."""
        with self._lock:
            if self._status is None:
                self._status = self._end()
            return self._status

    def close(self) -> None:
        """Kill the process and close its pipes. Call this only from the worker's thread."""
        self.end()
        with contextlib.suppress(OSError):  # flushing a partly sent task
            self._tasks.close()
        self._judgements.close()


class Starter(Protocol):
    """Starts workers, for several threads."""

    def start(self) -> Worker:
        """Start a worker; raises EOFError if the process exits before it is ready."""

    def end(self) -> None:
        """Kill the processes that are not ready yet, and release all resources."""

    @property
    def ended(self) -> bool:
        """Whether this starter can start no more workers."""


class ForkServer:
    """Forks workers from one process that has imported everything."""

    def __init__(self, device: str) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = _process("serve_forks", device, stdin=theirs.fileno(), stdout=subprocess.DEVNULL)
        self._ready = False
        self._lock = threading.Lock()

    def start(self) -> Worker:
        """Start a worker; raises EOFError if the server exits, and OSError if the system cannot start a process."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            pid = self._ask(READY, [theirs.fileno()])
            if pid < 0:
                raise OSError(-pid, os.strerror(-pid))
            pipe = ours.detach()
        return Worker(open(os.dup(pipe), "wb"), open(pipe, "rb"), lambda: self._end_worker(pid))

    def _end_worker(self, pid: int) -> int:
        try:
            return self._ask(NUMBER.pack(pid))
        except EOFError:
            return -signal.SIGKILL  # the server has exited, and its workers with it

    def _ask(self, message: bytes, descriptors: Sequence[int] = ()) -> int:
        """Send a request and return the answer. Raises EOFError if the server has exited."""
        with self._lock, contextlib.suppress(ConnectionError):
            if not self.ended:
                self._ready = self._ready or self._control.recv(NUMBER.size) == READY
                socket.send_fds(self._control, [message], descriptors)
                answer = self._control.recv(NUMBER.size)
                if answer:
                    return int(NUMBER.unpack(answer)[0])
        self.end()
        raise EOFError

    def end(self) -> None:
        """Kill the server and its remaining workers."""
        self._process.kill()
        self._process.wait()
        with self._lock:  # wait for a thread that expects an answer
            self._control.close()

    @property
    def ended(self) -> bool:
        """Whether the server has exited."""
        return self._process.returncode is not None


class Spawner:
    """Starts each worker as a new process, on systems where forking with torch is unsafe."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._starting: set[subprocess.Popen[bytes]] = set()

    def start(self) -> Worker:
        """Start a worker; raises EOFError if it exits before it is ready."""
        process = _process("serve_one", self._device, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._starting.add(process)
        assert process.stdin is not None
        assert process.stdout is not None
        worker = Worker(process.stdin, process.stdout, lambda: _ended(process))
        ready = process.stdout.read(len(READY)) == READY
        self._starting.discard(process)
        if not ready:
            worker.close()
            raise EOFError
        return worker

    def end(self) -> None:
        """Kill the processes that are not ready yet."""
        for process in tuple(self._starting):
            process.kill()

    @property
    def ended(self) -> bool:
        """Always False, since workers are independent."""
        return False


def _ended(process: subprocess.Popen[bytes]) -> int:
    process.kill()
    return process.wait()


def starter(device: str) -> Starter:
    """Return the starter for this system. macOS libraries do not survive a fork, and Windows has no fork."""
    return Spawner(device) if sys.platform in ("darwin", "win32") else ForkServer(device)


def _process(function: str, device: str, **streams: Any) -> subprocess.Popen[bytes]:
    """Start a Python process that runs a function of `serving`, with this sys.path, in its own session."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(nnshape.__file__)))
    path = [entry for entry in sys.path if entry]  # an empty entry is the current folder, added by `python -c`
    if home not in path:
        path.append(home)
    # One thread each: the processes share the cores, and a process with one thread can be forked safely.
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    for name in _NOT_PASSED_ON:
        environment.pop(name, None)
    return subprocess.Popen(
        [sys.executable, *_flags(), "-c", _CODE.format(function, device), *path],
        env=environment,
        stderr=subprocess.DEVNULL if sys.stderr is None else None,
        start_new_session=True,
        **streams,
    )


def _flags() -> list[str]:
    """Return the options of this interpreter, with those that affect imports (-I, -E, -s, -S), and -P if available.

    -P keeps the current folder off the path from the start: since Python 3.13, linecache is imported before the first
    statement of -c. Python 3.10, without -P, imports nothing there.
    """
    # multiprocessing uses the same private function; there is no public one.
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [*flags, "-P"] if sys.version_info >= (3, 11) else flags
