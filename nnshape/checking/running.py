"""Judges many specs: what is remembered first, then the rest, with several processes where that is quicker."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nnshape.checking.cache import Cache
from nnshape.checking.discovery import Candidate
from nnshape.checking.ignoring import filtered
from nnshape.checking.judging import Judgement, Task, judge
from nnshape.checking.outcome import Finding, Outcome, Report, Skipped
from nnshape.checking.settings import Settings
from nnshape.problems import SpecError

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

#: Fewer specs than this are judged in this process: starting others would take longer.
_LEAST_WITH_TORCH, _LEAST_WITHOUT = 8, 64
#: Each process holds a torch of its own.
_MOST_PROCESSES = 8


def check(
    candidates: Sequence[Candidate],
    settings: Settings,
    *,
    device: str = "meta",
    allow_import: tuple[str, ...] = (),
    cache: Cache | None = None,
    jobs: int | None = None,
    skipped: Sequence[Skipped] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Judge every candidate; raises SpecError where the device is not there.

    `progress` is told how many of how many are done. The report does not depend on how many
    processes there were, on their speed, nor on the cache.
    """
    outcomes: list[Outcome | None] = [None] * len(candidates)
    waiting: list[tuple[int, Task]] = []
    for index, candidate in enumerate(candidates):
        if candidate.source is None:
            findings = tuple(map(Finding, candidate.problems))
            outcomes[index] = Outcome(candidate.name, None, findings=findings)
            continue
        task = Task(candidate.source, candidate.root, device, allow_import)
        known = cache.find(task) if cache is not None else None
        if known is None:
            waiting.append((index, task))
        else:
            outcomes[index] = known
    done = len(candidates) - len(waiting)
    progress(done, len(candidates))

    def take(place: int, judgement: Judgement) -> None:
        nonlocal done
        index, task = waiting[place]
        if judgement.refused:
            raise SpecError(*judgement.refused)
        outcomes[index] = judgement.outcome
        if cache is not None:
            cache.keep(task, judgement)
        done += 1
        progress(done, len(candidates))

    tasks = [task for _, task in waiting]
    processes = _processes(len(tasks), device, jobs)
    if processes > 1:
        _judge_in_processes(tasks, processes, take)
    else:
        for place, task in enumerate(tasks):
            take(place, judge(task))
    if cache is not None and tasks:
        cache.prune()
    kept, ignored = filtered([outcome for outcome in outcomes if outcome is not None], settings)
    named = settings.file if settings.elsewhere else ""
    return Report(kept, tuple(skipped), ignored, named, settings.strict)


def _processes(tasks: int, device: str, jobs: int | None) -> int:
    """How many processes to use; one where a device holds real tensors, of which two models may be one too many."""
    if device not in ("meta", "none"):
        return 1
    least = _LEAST_WITHOUT if device == "none" else _LEAST_WITH_TORCH
    if jobs is None:
        jobs = min(_cores(), _MOST_PROCESSES)
    return min(jobs, tasks) if tasks >= least else 1


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _judge_in_processes(tasks: Sequence[Task], processes: int, take: Callable[[int, Judgement], None]) -> None:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    # A proof takes long enough to be handed out alone; several traces share the cost of handing out.
    size = 1 if tasks[0].device != "none" else max(1, min(16, len(tasks) // (4 * processes)))
    chunks = [range(start, min(start + size, len(tasks))) for start in range(0, len(tasks), size)]
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, _context(tasks[0].device), _quiet)
    try:
        futures = {pool.submit(_judge_all, [tasks[place] for place in chunk]): chunk for chunk in chunks}
        for future in as_completed(futures):
            try:
                judgements = future.result()
            except BrokenProcessPool:
                crash = "a process that checked it, or another file, ended unexpectedly"
                lost = [tasks[place].source for place in futures[future]]
                judgements = [Judgement(Outcome(source.name, source, crash=crash)) for source in lost]
            for place, judgement in zip(futures[future], judgements, strict=True):
                take(place, judgement)
    except BaseException:
        # Whoever breaks off does not wait for what is still being worked on.
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _judge_all(tasks: Sequence[Task]) -> list[Judgement]:
    return list(map(judge, tasks))


def _quiet() -> None:
    """Leave an interrupt to the parent: it ends its children itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _context(device: str) -> BaseContext:
    import multiprocessing

    # One server imports torch, and the workers are copies of it. macOS's own libraries do not bear
    # copying, and Windows has no such thing: there each worker imports for itself.
    if sys.platform in ("darwin", "win32"):
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    preloaded = ["nnshape.checking"]
    if device != "none":
        # torch imports the latter two, for as long as itself, when meta meets its first convolution.
        preloaded += ["nnshape.modules", "torch.fx.experimental.symbolic_shapes", "torch._dynamo"]
    context.set_forkserver_preload(preloaded)
    return context
