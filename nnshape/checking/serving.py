"""The worker process: reads tasks from a pipe, checks them, and exits with its parent.

On Linux, the kernel kills it with its parent. On other systems, it exits when the pipe is closed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import queue
import select
import signal
import socket
import struct
import sys
import threading
import warnings
from importlib import import_module
from pathlib import Path

from nnshape.checking.judging import Task, judge

#: A number on the control socket: a process id or an exit status.
NUMBER = struct.Struct("q")
READY = NUMBER.pack(0)

#: The modules of a proof. torch imports the latter two at the first convolution on meta, as slowly as torch itself;
#: with `auto`, there may be no large model that needs them.
_ANY_PROOF = ("nnshape.modules",)
_META_PROOF = ("torch.fx.experimental.symbolic_shapes", "torch._dynamo")
_PROOF = {"none": (), "auto": _ANY_PROOF}
_PR_SET_PDEATHSIG = 1
#: Added to the score by which Linux chooses the process to kill when memory runs out.
_OUT_OF_MEMORY_SCORE = 300


def serve_one(device: str) -> None:
    """Run one worker that reads tasks from standard input and writes judgements to standard output."""
    _end_with_parent()
    tasks, judgements = os.dup(0), os.dup(1)
    _detach()
    _import(device)
    os.write(judgements, READY)
    work(tasks, judgements)


def serve_forks(device: str) -> None:
    """Import everything once, then fork a worker for each request on standard input.

    A message with a socket asks for a worker at its other end; the answer is the process id, or a negative error
    number. A message with a process id ends that worker; the answer is its exit status.
    """
    _end_with_parent()
    control = socket.socket(fileno=os.dup(0))
    if select.select([control], [], [], 0)[0]:  # the parent, which sends nothing yet, has exited
        os._exit(0)
    _detach()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if the parent ignores it, exit statuses would be lost
    _import(device)
    gc.freeze()  # the workers share this memory as long as no garbage collection writes to it
    try:
        control.sendall(READY)
        while True:
            message, sockets, *_ = socket.recv_fds(control, NUMBER.size, 1)
            if not message:
                break
            control.sendall(NUMBER.pack(_fork(control, *sockets) if sockets else _end(*NUMBER.unpack(message))))
    except ConnectionError:  # the parent was killed with an answer unread, which resets the socket
        pass
    os._exit(0)


def _fork(control: socket.socket, pipe: int) -> int:
    server = os.getpid()
    try:
        with warnings.catch_warnings():
            # Python warns if a library has started threads; workers do not use them.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
    except OSError as error:
        pid = -(error.errno or 1)
    if pid == 0:
        try:
            _end_with_parent()
            if os.getppid() == server:
                control.close()
                work(pipe, os.dup(pipe))
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(1)
    os.close(pipe)
    return pid


def _end(pid: int) -> int:
    os.kill(pid, signal.SIGKILL)  # no effect on a worker that has exited
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def work(tasks: int, judgements: int) -> None:
    """Check tasks until the parent closes the pipes."""
    with contextlib.suppress(OSError):
        score = Path("/proc/self/oom_score_adj")
        score.write_text(str(max(int(score.read_text()), _OUT_OF_MEMORY_SCORE)))
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    try:
        threading.Thread(target=_receive, args=(tasks, waiting), daemon=True).start()
    except RuntimeError:  # no memory for a thread: the parent reports the file
        os._exit(1)
    with contextlib.suppress(BrokenPipeError), open(judgements, "wb") as target:
        while True:
            pickle.dump(judge(waiting.get()), target)
            target.flush()


def _receive(tasks: int, waiting: queue.SimpleQueue[Task]) -> None:
    """Forward each task; exit at the end of the pipe, even during a task."""
    with contextlib.suppress(EOFError, OSError), open(tasks, "rb") as source:
        while True:
            waiting.put(pickle.load(source))
    os._exit(0)


def _end_with_parent() -> None:
    """Ask the kernel to kill this process when its parent exits, where supported."""
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _detach() -> None:
    """Redirect the standard streams, and ignore Ctrl-C, which the parent handles."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)


def _import(device: str) -> None:
    for module in _PROOF.get(device, (*_ANY_PROOF, *_META_PROOF)):
        with contextlib.suppress(Exception):  # the first proof raises the same error, and reports it
            import_module(module)
