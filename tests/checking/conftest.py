"""What the tests of checking share: files of a project, and a check of them without the command line."""

from __future__ import annotations

from textwrap import dedent

import pytest

from nnshape.checking import check, find_specs, read_settings, stdin_spec

CLEAN = "input: 8\nlayers:\n  a: Linear(8, 4)\n"
WRONG = "input: 8\nlayers:\n  a: Linear(7, 4)\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write files below an empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)

    def project(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_yaml", ".yaml").replace("_toml", ".toml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"), "utf-8")

    return project


@pytest.fixture
def checked():
    """Check paths as the command line does, and tell each finding as (file, line, kind)."""

    def checked(*paths: str, **options):
        paths = paths or (".",)
        settings = read_settings(paths)
        found = find_specs(paths, settings, lambda: stdin_spec(None))
        options.setdefault("device", "none")
        return check(found.candidates, settings, skipped=found.skipped, **options)

    return checked


@pytest.fixture
def told(checked):
    def told(*paths: str, **options):
        return [
            (finding.problem.span.source.name, finding.problem.span.line, finding.problem.kind)
            if finding.problem.span
            else (finding.problem.place, 0, finding.problem.kind)
            for _, finding in checked(*paths, **options).findings
        ]

    return told
