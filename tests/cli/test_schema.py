"""`nnshape schema` on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from nnshape.schema import schema


def test_it_prints_the_schema(run):
    result = run("schema")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == schema()


def test_it_writes_a_file(run, tmp_path):
    path = tmp_path / "nnshape.schema.json"
    result = run("schema", "--output-file", path)
    assert (result.code, result.out, result.err) == (0, "", "")
    assert path.read_text("utf-8") == run("schema").out


def test_a_file_that_cannot_be_written(run, tmp_path):
    result = run("schema", "--output-file", tmp_path / "no" / "folder.json")
    assert (result.code, result.out) == (2, "")
    assert "there is no folder" in result.err
    assert run("schema", "--output-file", tmp_path).code == 2


def test_it_takes_no_argument(run):
    assert run("schema", "model.yaml").code == 2


def test_the_same_text_every_time():
    command = [sys.executable, "-m", "nnshape", "schema"]
    texts = {
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of a Unix shell")
def test_a_reader_that_leaves():
    command = f"{sys.executable} -m nnshape schema | head -n 2"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert result.stdout.startswith("{\n")
    assert result.stderr == ""
    assert result.returncode in (0, 141)


def test_the_help_shows_the_line_for_an_editor(run):
    assert "# yaml-language-server: $schema=nnshape.schema.json" in run("schema", "--help").out
