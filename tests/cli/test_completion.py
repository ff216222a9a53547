"""What the shell completes, asked as the shells ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from nnshape.cli.completion import within

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
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": words[-1],
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
LENET = "configs/lenet.yaml"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["inspect", GPT2, "--variant", ""], ["small", "medium", "large", "xl"]),
        ([GPT2, "--variant", "m"], ["medium"]),
        (["--format", "json", GPT2, "--variant", "m"], ["medium"]),
        (["inspect", GPT2, "--format", "json", "--variant", "x"], ["xl"]),
        (["inspect", "--variant", "x"], []),
        (["inspect", GPT2, "--device", "m"], ["meta", "mps"]),
        (["params", GPT2, "--device", ""], ["cpu", "cuda", "mps", "meta"]),
        (["inspect", GPT2, "--format", ""], ["table", "json", "markdown", "csv"]),
        (["check", "--format", "s"], ["sarif"]),
        (["check", "--color", "a"], ["auto", "always"]),
        (["inspect", "configs/unet.yaml", "--set", "H"], ["H="]),
        (["inspect", LENET, "--input", ""], ["x="]),
        (["explain", LENET, "fc"], ["fc1", "fc2", "fc3"]),
        (["explain", GPT2, "transformer.h"], ["transformer.h", "transformer.h.0"]),
        (["explain", "Conv2d", ""], []),
        (["params", LENET, "--layer", "conv"], ["conv1", "conv2"]),
        (["layer", "Conv2"], ["Conv2d"]),
        (["layer", "scaled"], ["scaled_dot_product_attention"]),
        (["explain", "size-mis"], ["size-mismatch"]),
        (["explain", "ModuleL"], ["ModuleList"]),
        (["explain", "configs/le"], ["configs/lenet.yaml"]),
        (["explain", "conf"], ["configs/"]),
        (["inspect", "configs/le"], []),  # the shell's own files
        (["sch"], ["schema"]),
        (["--vers"], ["--version"]),
        (["inspect", "--symb"], ["--symbolic"]),
    ],
)
def test_what_is_offered(words, offered):
    found = completed(*words)
    assert found[: len(offered)] == offered
    assert len(found) == len(offered) or words[-1] == "transformer.h"


def test_steps_are_offered_one_level_at_a_time():
    assert {"transformer.h.0.attn", "transformer.h.0.mlp"} <= set(completed("explain", GPT2, "transformer.h.0."))
    offered = completed("explain", GPT2, "transformer.h.1")
    assert {"transformer.h.1", "transformer.h.1.attn", "transformer.h.10"} <= set(offered)
    assert max(path.count(".") for path in offered) == 3


def test_steps_follow_the_options_on_the_line():
    assert "transformer.h.47" not in completed("params", GPT2, "--layer", "transformer.h.4")
    assert "transformer.h.47" in completed("params", GPT2, "--variant", "xl", "--layer", "transformer.h.4")
    assert completed("params", GPT2, "--set", "n_layer=1", "--layer", "transformer.h.1") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_is_offered_the_same(shell):
    text = " ".join(completed(GPT2, "--variant", "x", shell=shell))
    assert text.strip(':"') == "xl" or '"xl"' in text


def test_a_shell_that_runs_the_script(tmp_path):
    script = subprocess.run(
        [sys.executable, "-c", PROBE, "--show-completion", "bash"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    program = tmp_path / "nnshape"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nnshape "$@"\n', "utf-8")
    program.chmod(0o755)
    ask = f"COMP_WORDS=(nnshape {GPT2} --variant m); COMP_CWORD=3; _nnshape_completion nnshape"
    result = subprocess.run(
        ["bash", "-c", f'{script}\n{ask}; echo "${{COMPREPLY[@]}}"'],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (result.stdout, result.stderr) == ("medium\n", "")


BROKEN = {
    "no YAML": "layers: [",
    "no spec": "- 1",
    "not UTF-8": b"\xff\xfe\x00",
    "empty": "",
    "deep": "[" * 100_000,
    "an import": "import: {A: 'os:abort'}\ninput: 8\nlayers: {a: A()}",
    "a layer without a rule": "input: 8\nlayers: {a: Nonsense(), b: AdaptiveNonsense2d(3)}",
    "an include of itself": "include: {a: model.yaml}\ninput: 8\nlayers: {a: a()}",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_completed_in_silence(text, tmp_path):
    (tmp_path / "model.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    for option in ("--variant", "--set"):
        assert completed("inspect", "model.yaml", option, "", folder=tmp_path) == []
    completed("params", "model.yaml", "--layer", "", folder=tmp_path)


@pytest.mark.parametrize("name", ["-", "pipe", "folder", "/dev/zero", "missing.yaml"])
def test_nothing_is_read_that_may_wait_or_never_end(name, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    assert completed("inspect", name, "--variant", "", folder=tmp_path) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_what_a_shell_would_run_is_not_offered(shell, tmp_path):
    names = [
        "a$(touch ran)",
        "a`touch ran`",
        "a\\$(touch ran)",
        "a'b",
        'a"b',
        "a b",
        "a;b",
        "a*",
        "a\nb",
        "a\x1b[2J",
        "--fix",
    ]
    variants = ", ".join(f"{json.dumps(name)}: {{}}" for name in [*names, "plain"])
    (tmp_path / "model.yaml").write_text(f"input: 8\nvariants: {{{variants}}}\nlayers: {{a: ReLU()}}\n", "utf-8")
    offered = " ".join(completed("inspect", "model.yaml", "--variant", "", shell=shell, folder=tmp_path))
    assert "plain" in offered
    assert "touch" not in offered
    assert "--fix" not in offered
    assert not set("$`\x1b") & set(offered)


def test_a_search_that_takes_too_long_offers_nothing():
    release = Event()

    def work() -> list[str]:
        release.wait()
        return ["late"]

    assert within(0.0, work) == []
    release.set()
    assert within(60.0, work) == ["late"]


def test_a_search_that_fails_offers_nothing():
    def work() -> list[str]:
        raise RecursionError

    assert within(60.0, work) == []
