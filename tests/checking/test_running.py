"""Several processes give the same report as one, under every way to start them."""

import multiprocessing

import pytest

from nnshape.checking import running
from nnshape.problems import SpecError


@pytest.fixture
def many(project):
    files = {f"f{i:02}_yaml": f"input: 8\nlayers:\n  a: Linear({7 + i % 2}, 4)\n" for i in range(9)}
    project(**files, lib_yaml="blocks:\n  B():\n    fc: Linear(7, 3)\n")
    project(m_yaml="input: 8\ninclude: {lib: lib.yaml}\nlayers:\n  a: lib.B()\n")


def texts(report):
    return [(outcome.name, finding.told()) for outcome, finding in report.findings]


@pytest.mark.parametrize("start", [None, *multiprocessing.get_all_start_methods()])
def test_processes_give_the_same_report(many, checked, monkeypatch, start):
    monkeypatch.setattr(running, "_LEAST_WITHOUT", 1)
    if start == "fork":
        pytest.skip("never used: a process with threads is not copied safely")
    if start is not None:
        monkeypatch.setattr(running, "_context", lambda device: multiprocessing.get_context(start))
    steps = []
    report = checked(jobs=2, progress=lambda done, total: steps.append((done, total)))
    assert texts(report) == texts(checked(jobs=1))
    assert report.errors == 6
    assert steps[0] == (0, 10)
    assert steps[-1] == (10, 10)
    assert not multiprocessing.active_children()


def test_a_process_that_dies_is_told(many, checked, monkeypatch):
    monkeypatch.setattr(running, "_LEAST_WITHOUT", 1)
    monkeypatch.setattr(running, "_judge_all", _die)
    report = checked(jobs=2)
    assert len(report.crashes) == 10
    assert "ended unexpectedly" in report.crashes[0].crash


def _die(tasks):
    import os

    os._exit(3)


@pytest.mark.parametrize(
    ("tasks", "device", "jobs", "wanted"),
    [
        (1, "meta", 4, 1),
        (100, "meta", 4, 4),
        (20, "none", 4, 1),
        (100, "none", 4, 4),
        (100, "cpu", 4, 1),
        (100, "meta", 1, 1),
    ],
)
def test_small_jobs_stay_in_this_process(tasks, device, jobs, wanted):
    assert running._processes(tasks, device, jobs) == wanted


def test_a_device_that_is_not_there_is_refused(project, checked):
    project(a_yaml="input: 8\nlayers:\n  a: ReLU()\n")
    with pytest.raises(SpecError, match="there is no cuda:99 here"):
        checked(device="cuda:99")


def test_what_breaks_off_leaves_no_process(many, checked, monkeypatch):
    monkeypatch.setattr(running, "_LEAST_WITHOUT", 1)

    def interrupted(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checked(jobs=2, progress=interrupted)
    assert not multiprocessing.active_children()
