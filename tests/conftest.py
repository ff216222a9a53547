"""`pytest --cases` tells at the end on how many cases each rule was held against torch.

NNSHAPE_CASES=20 in the environment draws 20 times as many.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

#: How many cases were held against torch, by the rule's name and the verdict: this process's and its workers'.
_COUNTED: Counter[tuple[str, str]] = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", action="store_true", help="tell on how many cases each rule was held against torch")


def _own() -> Counter[tuple[str, str]]:
    """The cases of this process; none where no test needed torch."""
    conformance = sys.modules.get("conformance")
    return Counter() if conformance is None else conformance.CASES


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)  # what a worker of xdist hands back, as plain data
    if output is not None:
        output["cases"] = [[*key, count] for key, count in _own().items()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for name, verdict, count in getattr(node, "workeroutput", {}).get("cases", ()):
        _COUNTED[name, verdict] += count


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not config.getoption("--cases"):
        return
    from nnshape.shapes.functions import all_functions
    from nnshape.shapes.layers import all_layers

    counted = _COUNTED + _own()
    names = [name.removeprefix("Tensor.") for name in (*all_layers(), *all_functions())]
    terminalreporter.section("cases held against torch: accepted + refused")
    for name in dict.fromkeys(names):
        accepted, refused = counted[name, "accepted"], counted[name, "refused"]
        if accepted or refused:
            terminalreporter.line(f"{name}: {accepted:,} + {refused:,}")
    without = [name for name in dict.fromkeys(names) if not counted[name, "accepted"]]
    terminalreporter.line(f"{counted.total():,} cases; no case that torch accepts: {', '.join(without) or 'none'}")


@pytest.fixture
def calls_of() -> Callable[[Callable[[], Any]], int]:
    """Counts the calls of Python and C functions in an action: work that is the same on each machine, as time is not."""

    def count(action: Callable[[], Any]) -> int:
        calls = 0

        def note(frame: Any, event: str, argument: Any) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            action()
        finally:
            sys.setprofile(before)
        return calls

    return count
