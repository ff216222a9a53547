"""No file of the tree that is checked is run, whatever its name: not by the command, nor by its processes."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPECS = {
    "right": "input: 8\nlayers:\n  a: Linear(8, 4)\n",
    "wrong": "input: 8\nlayers:\n  a: Linear(7, 4)\n",
    "unruled": "input: [N, 8]\nlayers:\n  a: Linear(8, 4)\n  b: diff()\n",
    "lenet": (ROOT / "configs" / "lenet.yaml").read_text("utf-8"),
}
#: From so many files on, other processes check them; the class that one spec may import is measured in one of these.
ENOUGH = {"none": 64, "meta": 8}

#: Checks the current folder in this process, imports what workers do, and prints the name of each module that was
#: imported or looked for: torch looks for some that are not installed.
PROBE = """
import sys
asked = set()
class Asked:
    def find_spec(name, path=None, target=None):
        asked.add(name)
sys.meta_path.append(Asked)
from nnshape.checking import serving, workers
from nnshape.cli import main
main(["check", "--no-cache", "--jobs", "1", "--device", sys.argv[1]])
serving._import(sys.argv[1])
print(*sorted({name.partition(".")[0] for name in {*sys.modules, *asked}}), file=sys.stderr)
"""

PLANTED = """
with open({marker!r}, "a") as file:
    file.write({name!r} + chr(10))
"""

OWN = """
import torch

class Own(torch.nn.Linear):
    pass
"""

#: As pip writes it.
SCRIPT = """
import sys
from nnshape.cli import main
if __name__ == "__main__":
    sys.exit(main())
"""


def run(folder, *arguments):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.fixture(scope="module")
def looked_for(tmp_path_factory):
    """The names of all modules that a check looks for, by the device of the proof."""

    @cache
    def looked_for(device):
        folder = tmp_path_factory.mktemp("clean")
        for name, text in SPECS.items():
            (folder / f"{name}.yaml").write_text(text)
        (folder / "probe.txt").write_text(PROBE)
        result = run(folder, folder / "probe.txt", device)
        return result.stderr.splitlines()[-1].split()

    return looked_for


@pytest.fixture(scope="module")
def before_us(tmp_path_factory):
    """What cannot be helped: the modules that Python has imported when it begins to run the package of `-m`."""
    folder = tmp_path_factory.mktemp("peek")
    (folder / "peek").mkdir()
    (folder / "peek" / "__init__.py").touch()
    (folder / "peek" / "__main__.py").write_text("import sys; print(*sys.modules)")
    loaded = {name.partition(".")[0] for name in run(folder, "-m", "peek").stdout.split()} - {"peek"}
    return {"nnshape", *loaded}


@pytest.fixture
def plant(tmp_path):
    """A folder of specs beside modules that leave a mark when they are run."""
    folder, marker = tmp_path / "tree", tmp_path / "marker"
    folder.mkdir()

    def plant(names, count):
        for name in names:
            (folder / f"{name}.py").write_text(PLANTED.format(marker=str(marker), name=name))
        (folder / "planted.pth").write_text("import planted\n")
        entry_points = folder / "planted-1.0.dist-info" / "entry_points.txt"
        entry_points.parent.mkdir()
        entry_points.write_text("[torch.backends]\nplanted = planted:start\n")
        (folder / "pyproject.toml").write_text('[tool.nnshape]\nexclude = ["nothing"]\n')
        texts = [*SPECS.values(), *[SPECS["right"]] * (count - len(SPECS))]
        for number, text in enumerate(texts):
            (folder / f"f{number:02}.yaml").write_text(text)
        return folder

    plant.marks = lambda: marker.read_text().split() if marker.exists() else []
    return plant


@pytest.fixture
def commands(tmp_path):
    script = tmp_path / "bin" / "nnshape"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    return {"nnshape": [script], "python -m nnshape": ["-m", "nnshape"]}


@pytest.mark.parametrize("device", ["none", "meta"])
@pytest.mark.parametrize("form", ["nnshape", "python -m nnshape"])
def test_no_file_of_the_tree_is_run(looked_for, before_us, plant, commands, form, device):
    names = {*looked_for(device), "sitecustomize", "usercustomize", "planted", "readline", "nnshape"}
    assert {"socket", "signal", "random", "yaml", "typing"} < names
    assert device == "none" or {"torch", "numpy", "sympy"} < names
    if form != "nnshape":
        names -= before_us
        assert {"__future__", "socket", "typing"} < names
    folder = plant(names, ENOUGH[device])
    result = run(folder, *commands[form], "check", "--no-cache", "--jobs", "2", "--device", device)
    assert result.stdout.splitlines()[-1].startswith(f"{ENOUGH[device]} specs checked; ")
    assert result.stderr == ""
    assert not plant.marks()


def test_a_planted_file_would_be_seen(plant):
    folder = plant(["socket", "typing"], len(SPECS))
    run(folder, "-c", "import typing, socket")
    assert {*plant.marks()} == {"socket", "typing"}


@pytest.mark.parametrize("form", ["nnshape", "python -m nnshape"])
def test_only_the_class_that_is_allowed_is_imported(looked_for, before_us, plant, commands, form):
    folder = plant({*looked_for("meta"), "triton", "planted"} - before_us, ENOUGH["meta"])
    (folder / "own.py").write_text(OWN)
    (folder / "own.yaml").write_text('input: 8\nimport: {Own: "own:Own"}\nlayers:\n  a: Own(8, 4)\n')
    check = [*commands[form], "check", "--no-cache", "--jobs", "2", "--device", "meta"]
    assert "import-refused" in run(folder, *check, "own.yaml").stdout
    result = run(folder, *check, "--allow-import", "own:Own")
    assert f"{ENOUGH['meta'] + 1} specs checked" in result.stdout
    assert "import-refused" not in result.stdout
    assert "own.yaml" not in result.stdout
    assert not plant.marks()
