"""What the tests of the command line share: a run within this process, and what came of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from nnshape.cli import main

CONFIGS = Path(__file__).parents[2] / "configs"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    """No test finds the answers of another, nor the user's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def run(capsys, monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "NNSHAPE_TRACEBACK", "CI", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        if stdin is not None:
            data = stdin if isinstance(stdin, bytes) else stdin.encode()
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def lenet() -> str:
    return str(CONFIGS / "lenet.yaml")


@pytest.fixture
def spec(tmp_path):
    def spec(text: str) -> str:
        path = tmp_path / "model.yaml"
        path.write_text(text, "utf-8")
        return str(path)

    return spec
