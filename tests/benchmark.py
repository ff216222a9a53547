"""Measures the speed that the design promises, side by side in one run: python tests/benchmark.py [--rounds 5].

Times on a shared machine mean little; the ratios between runs that take turns do. Nothing here is a
test: the numbers are for reading.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIGS = Path(__file__).parent.parent / "configs"
LENET = CONFIGS / "lenet.yaml"

MODEL = """
import torch
from torch import nn
def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(576, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
"""
TORCHINFO = MODEL + "from torchinfo import summary\nprint(summary(lenet(), (1, 1, 32, 32)))"
BY_HAND = MODEL + "with torch.device('meta'):\n    print(lenet()(torch.empty(2, 1, 32, 32)).shape)"
INSPECT = "from nnshape.cli import main; main()"


def measured(arguments: list[str]) -> tuple[float, float]:
    """Seconds and peak MiB of a fresh Python run with these arguments."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"python {' '.join(arguments)[:80]} failed")
    return seconds, usage.ru_maxrss / 1024


def in_turns(commands: dict[str, list[str]], rounds: int) -> dict[str, tuple[float, float]]:
    """The median seconds and the peak MiB of each command, run in turns."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, arguments in commands.items():
            runs[name].append(measured(arguments))
    # The first round fills the caches of the file system.
    return {
        name: (statistics.median(s for s, _ in found[1:]), max(m for _, m in found)) for name, found in runs.items()
    }


def whole_processes(rounds: int) -> None:
    """What a person waits for at the command line."""
    found = in_turns(
        {
            "torchinfo": ["-c", TORCHINFO],
            "by hand": ["-c", BY_HAND],
            "no torch": ["-c", INSPECT, "inspect", str(LENET), "--device", "none"],
            "proved": ["-c", INSPECT, "inspect", str(LENET)],
            "python": ["-c", "pass"],
        },
        rounds,
    )
    for name, (seconds, memory) in found.items():
        print(f"  {name:10} {seconds * 1000:7.0f} ms {memory:6.0f} MiB")
    torchinfo, by_hand, none, proved = (found[name][0] for name in ("torchinfo", "by hand", "no torch", "proved"))
    print(f"inspect --device none : torchinfo      = 1/{torchinfo / none:.1f}      (at most 1/8)")
    print(f"inspect --device none : peak memory    = {found['no torch'][1]:.0f} MiB    (under 60 MB)")
    print(f"(proved - none)       : by hand        = {(proved - none) / by_hand:.2f}       (at most 1.25)")


def many_specs(count: int) -> None:
    """Reading and tracing many specs of the size of ResNet-50 in one process, none cached as a whole."""
    import nnshape

    text = (CONFIGS / "resnet.yaml").read_text("utf-8")
    nnshape.trace(nnshape.loads(text), variant="resnet50")
    start = time.perf_counter()
    for turn in range(count):
        trace = nnshape.trace(nnshape.loads(f"{text}\n# {turn}\n"), variant="resnet50")
        assert not trace.problems
    each = (time.perf_counter() - start) / count
    print(f"{count} ResNet-50 specs: {each * 1000:.1f} ms each      (at most 10 ms)")


def rows() -> None:
    """The cost of a row as models grow."""
    import nnshape

    costs = {}
    for count in (10, 1_000, 100_000):
        body = "".join(f"  r{i}: ReLU()\n" for i in range(min(count, 10_000)))
        text = f"input: 8x8\nlayers:\n{body}"
        if count > 10_000:
            steps = "".join(f"    r{i}: ReLU()\n" for i in range(999))
            text = (
                f"input: 8x8\nblocks:\n  B:\n{steps}layers:\n  h: Sequential(B() for i in range({count // 1000 - 1}))\n"
            )
        spec = nnshape.loads(text)
        start = time.perf_counter()
        trace = nnshape.trace(spec)
        made = len(trace.calls)
        costs[count] = (time.perf_counter() - start) / made
        print(f"  {made:7,} rows: {costs[count] * 1e6:6.1f} microseconds a row")
    print(f"a row among 100,000   : among 1,000    = {costs[100_000] / costs[1_000]:.2f}       (flat: about 1)")


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--specs", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        whole_processes(options.rounds)
        many_specs(options.specs)
        rows()


if __name__ == "__main__":
    main()
