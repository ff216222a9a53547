"""Checks many specs: from the cache if possible, the rest in several processes if that is faster."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from nnshape.checking.discovery import SpecFile
from nnshape.checking.ignoring import filtered
from nnshape.checking.judging import Judgement, Task, judge
from nnshape.checking.outcome import Finding, Outcome, Report, Skipped
from nnshape.checking.outcome_cache import Cache
from nnshape.checking.project_settings import Settings
from nnshape.problems import SpecError

#: With fewer specs, starting worker processes would take longer than it saves.
_MIN_WITH_TORCH, _MIN_WITHOUT = 8, 64
#: Each process imports its own torch.
_MAX_PROCESSES = 8


def check(
    candidates: Sequence[SpecFile],
    settings: Settings,
    *,
    device: str = "auto",
    allow_import: tuple[str, ...] = (),
    cache: Cache | None = None,
    jobs: int | None = None,
    skipped: Sequence[Skipped] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Check every candidate. Raises SpecError if the device is not available.

    `progress` is called with the number of checked files and the total. The report does not depend on the number of
    processes, their speed or the cache.
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
        from nnshape.checking.workers import judge_in_processes  # slow to import, and needed only for many files

        judge_in_processes(tasks, processes, take)
    else:
        for place, task in enumerate(tasks):
            take(place, judge(task))
    if cache is not None and tasks:
        cache.prune()
    kept, ignored = filtered([outcome for outcome in outcomes if outcome is not None], settings)
    named = settings.file if settings.elsewhere else ""
    return Report(kept, tuple(skipped), ignored, named, settings.strict)


def _processes(tasks: int, device: str, jobs: int | None) -> int:
    """Return the number of processes to use: 1 on a real device, whose memory may not hold two models."""
    if device not in ("auto", "meta", "none"):
        return 1
    if not sys.executable or getattr(sys, "frozen", False):  # no Python interpreter to start
        return 1
    least = _MIN_WITHOUT if device == "none" else _MIN_WITH_TORCH
    if jobs is None:
        jobs = min(_cores(), _MAX_PROCESSES)
    return min(jobs, tasks) if tasks >= least else 1


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
