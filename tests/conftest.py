"""Options and fixtures of the whole suite.

Random tests draw the same cases in every run, so that a failure is the change's own. `pytest --explore` draws new
ones and prints their seed; `pytest --explore SEED` draws those again. NNSHAPE_CASES=20 in the environment draws 20
times as many, and `pytest --cases` tells at the end on how many cases each rule was held against torch.

The tests expect torch 2.13. `torch_releases.py` says which of them fail with other releases, and why.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from torch_releases import mark_differences

hypothesis.settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("explore", database=None, deadline=None)

#: How many cases were held against torch, by the rule's name and the verdict: this process's and its workers'.
_COUNTED: Counter[tuple[str, str]] = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", action="store_true", help="tell on how many cases each rule was held against torch")
    explored = "draw new random cases, or those of a seed, in place of the same ones in every run"
    parser.addoption("--explore", nargs="?", type=int, const=-1, metavar="SEED", help=explored)


@pytest.fixture(scope="session", autouse=True)
def own_cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the answers of the commands away from the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.explore is None:
        hypothesis.settings.load_profile("fixed")
        return
    if config.option.explore < 0:
        config.option.explore = random.SystemRandom().randrange(2**32)  # xdist hands it on to its workers
    config.option.hypothesis_seed = str(config.option.explore)
    hypothesis.settings.load_profile("explore")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_differences(items)


@pytest.fixture(scope="session")
def chance(pytestconfig: pytest.Config) -> Callable[[object], random.Random]:
    """Makes a source of random numbers for a name: the same in every run, or that of `--explore`."""
    seed = pytestconfig.option.explore
    return lambda name: random.Random(str(name) if seed is None else f"{seed} {name}")


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
    if config.option.explore is not None:
        terminalreporter.write_line(f"random cases of --explore {config.option.explore}")
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
    different = {name: counted[name, "different"] for name in dict.fromkeys(names) if counted[name, "different"]}
    if different:
        listed = ", ".join(f"{name} {count:,}" for name, count in different.items())
        terminalreporter.line(f"cases that only the rule or only this release of torch accepts: {listed}")
    without = [name for name in dict.fromkeys(names) if not counted[name, "accepted"]]
    quoted, refused = (
        sum(n for (_, verdict), n in counted.items() if verdict == each) for each in ("quoted", "refused")
    )
    terminalreporter.line(f"torch's words for {quoted:,} of {refused:,} refused cases, and no note for the others")
    total = counted.total() - quoted
    terminalreporter.line(f"{total:,} cases; no case that torch accepts: {', '.join(without) or 'none'}")


@pytest.fixture
def calls_of() -> Callable[[Callable[[], Any]], int]:
    """Count the calls of Python and C functions in an action: the same on each machine, as seconds are not."""

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
