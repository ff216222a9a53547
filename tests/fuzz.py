"""Puts random, broken and hostile files through nnshape, and tells of each that is not answered.

    python tests/fuzz.py --count 300 --seed 1      # what CI runs: the same inputs on each machine
    python tests/fuzz.py --seconds 3600 --seed 2   # as many as there is time for
    python tests/fuzz.py --seed 1 --only 17        # one input again: its text, and what came of it

Each file is read, traced, given its fixes and written as a table and as JSON, and some are proved on meta. The answer
is a trace or a `SpecError`; any other exception, a problem that says nnshape is wrong, more memory than `MEMORY` or no
answer in `SECONDS` is a crash. Exits with 1 where there is one.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

#: Bytes of address space for the process that runs the inputs; torch's own libraries take some of it.
MEMORY = 6 * 1024**3
#: Seconds of the processor until an input counts as unanswered, and by the clock where it no longer runs Python.
SECONDS = 60
PATIENCE = 600
#: One input in so many is proved on meta.
PROVED = 10
#: How many of the slowest and the largest inputs are told.
TOLD = 5


def answered(path: Path, proof: bool) -> str:
    """Run one file through nnshape; the answer is "clean", "faulty" or "refused"."""
    import nnshape
    from nnshape.cli import main

    for output_format in ("table", "json"):
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            code = main(["inspect", str(path), "--device", "none", "--format", output_format])
        if code not in (0, 1):
            raise AssertionError(f"inspect ends with {code}: {err.getvalue()[-2000:]}")
        if output_format == "json":
            json.loads(out.getvalue())
        steering = re.search(
            r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", out.getvalue() + err.getvalue()
        )
        if steering:
            raise AssertionError(f"the {output_format} holds {steering[0]!r}, which steers a terminal")
    try:
        trace = nnshape.trace(path)
    except nnshape.SpecError as error:
        _expected(error.problems)
        return "refused"
    _expected(trace.problems)
    nnshape.find_fixes(trace)
    if proof and not trace.errors:
        found = nnshape.verify(trace, device="meta")
        if found.disagreements:
            raise AssertionError(f"torch disagrees: {found.disagreements}")
    return "faulty" if trace.errors else "clean"


def _expected(problems: Any) -> None:
    for problem in problems:
        if problem.kind.startswith("internal") or "nnshape is wrong" in problem.message:
            raise AssertionError(f"{problem.kind}: {problem.message}")


class Unanswered(BaseException):
    """An input took too long; no handler of nnshape's for an Exception may swallow it."""


def _give_up(number: int, frame: Any) -> None:
    raise Unanswered


def work() -> None:
    """Answer for the inputs whose seed and index come in, a line of JSON each."""
    from fuzz_inputs import input_of

    os.environ["NNSHAPE_TRACEBACK"] = "1"  # the command line lets an unexpected exception through
    signal.signal(signal.SIGPROF, _give_up)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    answers, sys.stdout = sys.stdout, io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.yaml"
        for line in sys.stdin:
            seed, index = json.loads(line)
            kind, data = input_of(seed, index)
            path.write_bytes(data)
            _forget_peak()
            held = _peak()
            start = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                result, crash = answered(path, index % PROVED == 0), ""
            except (Exception, Unanswered):
                result, crash = "crash", traceback.format_exc()
            signal.setitimer(signal.ITIMER_PROF, 0)
            seconds = time.process_time() - start
            told = {"kind": kind, "result": result, "crash": crash, "seconds": seconds, "peak": _peak() - held}
            print(json.dumps(told), file=answers, flush=True)


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak begins anew


def _peak() -> int:
    """The most memory that this process has held since the peak was forgotten, in KiB."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) if found else 0


class Worker:
    """A process that answers for inputs; one that dies or does not answer is replaced by the next."""

    def __init__(self) -> None:
        command = [sys.executable, __file__, "--work"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.waiting = selectors.DefaultSelector()
        self.waiting.register(self.process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]

    def answer(self, seed: int, index: int) -> dict[str, Any] | None:
        """What came of an input; None where the process died of it or gives no answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([seed, index]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline() if self.waiting.select(PATIENCE) else ""
        return json.loads(line) if line else None

    def end(self) -> int:
        """End the process; its exit code, or the number of the signal that ended it, negative."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()  # type: ignore[union-attr]
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()  # type: ignore[union-attr]
        self.waiting.close()
        return self.process.returncode


def fuzz(seed: int, indices: Any, seconds: float | None) -> int:
    """Run inputs until there are no more, or the time is up; tell what came of them. The number of crashes."""
    results: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    told: list[tuple[int, dict[str, Any]]] = []
    crashes = 0
    start = time.monotonic()
    worker = Worker()
    for index in indices:
        if seconds is not None and time.monotonic() - start > seconds:
            break
        found = worker.answer(seed, index)
        if found is None:
            code = worker.end()
            found = {"kind": "?", "result": "crash", "crash": f"no answer: the process ended with {code}"}
            worker = Worker()
        results[found["result"]] += 1
        kinds[found["kind"]] += 1
        if found["crash"]:
            crashes += 1
            print(f"\ncrash: --seed {seed} --only {index}\n{found['crash']}", flush=True)
        else:
            told.append((index, found))
    worker.end()
    print(f"\n{results.total():,} inputs of seed {seed}: {_counts(results)}; of {_counts(kinds)}")
    print(f"{crashes} crashes")
    for name, unit, each in (
        ("slowest", "s", lambda one: one["seconds"]),
        ("largest", "MiB", lambda one: one["peak"] / 1024),
    ):
        most = sorted(told, key=lambda item: each(item[1]), reverse=True)[:TOLD]
        print(f"{name}: " + ", ".join(f"{each(one):.1f} {unit} (--only {index}, {one['kind']})" for index, one in most))
    return crashes


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counted.most_common())


def show(seed: int, index: int) -> None:
    """One input and what comes of it, in this process."""
    from fuzz_inputs import input_of

    kind, data = input_of(seed, index)
    print(f"{kind}, {len(data):,} bytes:\n{data.decode('utf-8', 'replace')[:4000]}\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.yaml"
        path.write_bytes(data)
        print(answered(path, index % PROVED == 0))


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="draw the inputs of this seed")
    parser.add_argument("--count", type=int, default=300, help="run so many inputs")
    parser.add_argument("--seconds", type=float, help="run as many inputs as there is time for, in place of --count")
    parser.add_argument("--only", type=int, metavar="INDEX", help="run this input alone, and show it")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work()
    elif asked.only is not None:
        show(asked.seed, asked.only)
    else:
        indices = range(asked.count if asked.seconds is None else sys.maxsize)
        return 1 if fuzz(asked.seed, indices, asked.seconds) else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
