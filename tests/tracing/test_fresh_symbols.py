"""Sizes that only a run can tell, such as `nonzero0`: numbered for each model by itself."""

from __future__ import annotations

import pytest

import nnshape
from nnshape.cli import main

POSITIVE = """
input: {x: "[N, 6]"}
layers:
  a: x[x > 0]
  b: nonzero(x)
"""
REPEATED = """
input: {x: "[N, 6]", times: "int64[6]"}
layers:
  a: x.repeat_interleave(times, 1)
  b: Linear(5, 3)
"""


def told(text: str) -> list[str]:
    """Everything that a trace says of sizes: the outputs, the requirements and the problems with their fixes."""
    from nnshape.fixes import explained

    trace = nnshape.trace(text)
    problems = [(problem.message, *problem.help, *problem.notes) for problem in explained(trace)]
    return [*(str(call.output) for call in trace.calls), *map(str, trace.constraints), *map(str, problems)]


@pytest.mark.parametrize("order", [(POSITIVE, REPEATED), (REPEATED, POSITIVE)], ids=["forth", "back"])
def test_a_model_says_the_same_whatever_was_traced_before(order: tuple[str, str]) -> None:
    assert [told(text) for text in order] == [told(text) for text in order]
    assert "[nonzero0]" in told(POSITIVE)
    assert "6*N >= nonzero1" in told(POSITIVE)


def test_a_fresh_symbol_takes_no_name_of_the_file() -> None:
    trace = nnshape.trace(POSITIVE.replace("[N, 6]", "[nonzero0, 6]"))
    assert [str(call.output) for call in trace.calls] == ["[nonzero1]", "int64[nonzero2, 2]"]


def test_one_check_of_two_files_says_the_same_in_both_orders(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(POSITIVE + "  c: Linear(5, 3)(b.float())\n")
    (tmp_path / "two.yaml").write_text(REPEATED)

    def lines(*files: str) -> list[str]:
        assert main(["check", *files, "--device", "none", "--no-cache"]) == 1
        return sorted(capsys.readouterr().out.splitlines())

    assert lines("one.yaml", "two.yaml") == lines("two.yaml", "one.yaml")
