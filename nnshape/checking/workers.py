"""Checks tasks in worker processes, each with one task at a time, so that a crash affects at most one task.

The pools of multiprocessing and concurrent.futures lose every task when one worker exits, and leave workers behind when
their parent is killed.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing

from nnshape.checking.judging import Judgement, Task
from nnshape.checking.outcome import Outcome
from nnshape.checking.starting import Starter, Worker, WorkerEnded, starter

#: Failed starts in a row, with no task judged meanwhile, after which no more processes are started.
_MAX_FAILED_STARTS = 3


def judge_in_processes(tasks: Sequence[Task], processes: int, take: Callable[[int, Judgement], None]) -> None:
    """Check tasks in worker processes, and call `take` with the index and judgement of each.

    If a worker exits during a task, the task is retried after all others, alone in a new process. If that process exits
    too, the judgement has a crash. If no more processes can be started, the remaining judgements have one; raises
    ChildProcessError if no task was checked before. No process is left when this returns or raises.
    """
    # Each process is started by a thread that outlives it: Linux kills a process with the thread that started it.
    with closing(_Workers(tasks[0].device)) as workers, ThreadPoolExecutor(processes) as threads:
        try:
            futures = {threads.submit(workers.judge, task): index for index, task in enumerate(tasks)}
            lost = []
            for future in as_completed(futures):
                try:
                    take(futures[future], future.result())
                except WorkerEnded:
                    lost.append(futures[future])
                except ChildProcessError as error:
                    if not workers.judged:
                        raise
                    take(futures[future], _crashed(tasks[futures[future]], str(error)))
            for index in sorted(lost):
                take(index, threads.submit(workers.judge_alone, tasks[index]).result())
        finally:
            workers.end()
            threads.shutdown(cancel_futures=True)


class _Workers:
    """The worker processes of one run. Each thread uses one worker at a time."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._starter: Starter | None = None
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._over = False
        self._failed = False
        self._lock = threading.Lock()
        self.judged = 0

    def judge(self, task: Task) -> Judgement:
        """Check a task in an idle or new worker. Raises WorkerEnded."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        worker = worker or self._start()
        try:
            judgement = worker.judge(task)
        except WorkerEnded:
            self._drop(worker)
            raise
        with self._lock:
            self.judged += 1
            self._idle.append(worker)
        return judgement

    def judge_alone(self, task: Task) -> Judgement:
        """Retry a task in a new worker. If that exits too, return a judgement with a crash."""
        try:
            worker = self._start()
        except ChildProcessError as error:
            return _crashed(task, str(error))
        try:
            judgement = worker.judge(task)
            self.judged += 1  # no other thread is running
            return judgement
        except WorkerEnded as ended:
            return _crashed(task, f"the process checking it {_how(ended.status)}, twice")
        finally:
            self._drop(worker)

    def _start(self) -> Worker:
        failures, judged = 0, self.judged
        while failures < _MAX_FAILED_STARTS:
            with self._lock:
                if self._over or self._failed:
                    break
                if self._starter is None or self._starter.ended:
                    self._starter = starter(self._device)
                current = self._starter
            try:
                worker = current.start()
            except EOFError:
                if self.judged != judged:
                    failures, judged = 0, self.judged
                failures += 1
                continue
            with self._lock:
                self._all.add(worker)
                over = self._over
            if over:
                break
            return worker
        self._failed = True
        raise ChildProcessError("the worker processes exit as soon as they start")

    def _drop(self, worker: Worker) -> None:
        worker.close()
        with self._lock:
            self._all.discard(worker)

    def end(self) -> None:
        """Kill every process, so that no thread waits for one, and prevent new ones."""
        with self._lock:
            self._over = True
        for worker in tuple(self._all):
            worker.end()
        if self._starter is not None:
            self._starter.end()

    def close(self) -> None:
        """Close the pipes to the processes, once no thread uses them."""
        for worker in self._all:
            worker.close()


def _crashed(task: Task, crash: str) -> Judgement:
    return Judgement(Outcome(task.source.name, task.source, crash=crash))


def _how(status: int) -> str:
    if status >= 0:
        return f"exited with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    memory = " (the system may be out of memory)" if name == "SIGKILL" else ""
    return f"was killed by {name}{memory}"
