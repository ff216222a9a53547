"""What the shell completes, asked as the shells ask."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROBE = """
import atexit, sys
from nnshape.cli import main
heavy = ("torch", "numpy", "rich")
atexit.register(lambda: sys.stderr.write(" ".join(name for name in heavy if name in sys.modules)))
sys.exit(main())
"""


def completed(*words: str, shell: str = "bash", folder: Path = ROOT) -> list[str]:
    """What a shell is offered for the last word; nothing heavy is imported and nothing else is printed."""
    line = ["nnshape", *words]
    asked = {
        "_NNSHAPE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "\n".join(line),
        "COMP_CWORD": str(len(line) - 1),
        "_TYPER_COMPLETE_ARGS": " ".join(line),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    result = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **asked},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.split()


GPT2 = "configs/gpt2.yaml"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["inspect", GPT2, "--variant", ""], ["small", "medium", "large", "xl"]),
        ([GPT2, "--variant", "m"], ["medium"]),
        (["inspect", GPT2, "--format", "json", "--variant", "x"], ["xl"]),
        (["inspect", GPT2, "--device", "m"], ["meta", "mps"]),
        (["params", GPT2, "--device", ""], ["cpu", "cuda", "mps"]),
        (["inspect", GPT2, "--format", ""], ["table", "json", "markdown", "csv"]),
        (["check", "--format", "s"], ["sarif"]),
        (["explain", "configs/lenet.yaml", "fc"], ["fc1", "fc2", "fc3"]),
        (["params", "configs/lenet.yaml", "--layer", "conv"], ["conv1", "conv2"]),
        (["layer", "Conv2"], ["Conv2d"]),
        (["explain", "size-mis"], ["size-mismatch"]),
        (["sch"], ["schema"]),
    ],
)
def test_what_is_offered(words, offered):
    assert completed(*words) == offered
