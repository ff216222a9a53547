"""How many processes a check uses, and what it refuses."""

import pytest

from nnshape.checking import check_run
from nnshape.problems import SpecError


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
    assert check_run._processes(tasks, device, jobs) == wanted


def test_a_device_that_is_not_there_is_refused(project, checked):
    project(a_yaml="input: 8\nlayers:\n  a: ReLU()\n")
    with pytest.raises(SpecError, match="device cuda:99 is not available"):
        checked(device="cuda:99")
