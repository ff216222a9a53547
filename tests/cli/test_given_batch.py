"""The figures of one batch on the command line."""

from __future__ import annotations


def test_the_command_line_says_at_which_batch(run, lenet):
    result = run("inspect", lenet, "--set", "N=8")
    assert (result.code, result.err) == (0, "")
    assert "traced at N = 8\n" in result.out
    assert "2,576,448  for N = 8" in result.out
    assert "12 of 12 shapes" in result.out
    assert "[8, 6, 28, 28]" in run("explain", lenet, "conv1", "--set", "N=8").out
    assert "2,576,448  for N = 8" in run("params", lenet, "--set", "N=8").out
