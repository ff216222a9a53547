"""What stands for the installation: the torch that an import would give, and nnshape's own code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nnshape
from nnshape.cache import versions

ROOT = Path(nnshape.__file__).parents[1]


def versions_in(folder: Path, code: str = "") -> str:
    """The versions that a fresh process sees whose path begins with a folder."""
    lines = ["import sys", code, "from nnshape.cache import versions", "print(versions(), 'torch' in sys.modules)"]
    program = "\n".join(lines)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    found, imported = run.stdout.rsplit(maxsplit=1)
    assert imported == "False"
    return found


def test_it_is_the_torch_that_an_import_would_give(tmp_path):
    import torch

    assert any(torch.__version__.partition("+")[0] in part for part in versions())
    real = versions_in(tmp_path)
    # A copy that comes first on the path is the one that is imported, whatever the metadata of the other say.
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "torch" / "version.py").write_text("__version__ = '1.0'")
    first = versions_in(tmp_path)
    (tmp_path / "torch" / "version.py").write_text("__version__ = '1.1'")
    second = versions_in(tmp_path)
    metadata = tmp_path / "torch-9.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 9\n")
    assert versions_in(tmp_path) == second
    assert len({real, first, second}) == 3


def test_no_torch_is_another_installation(tmp_path):
    import yaml

    # The path without the packages, but for PyYAML.
    (tmp_path / "yaml").symlink_to(Path(yaml.__file__).parent)
    code = "sys.path[:] = [p for p in sys.path if 'site-packages' not in p]; sys.meta_path[:] = sys.meta_path[-3:]"
    found = versions_in(tmp_path, code)
    assert found != versions_in(tmp_path)
    assert "torch" not in found


@pytest.mark.parametrize("change", ["nnshape", "PyYAML", "Python", "the code"])
def test_an_upgrade_is_another_installation(monkeypatch, tmp_path, change):
    import yaml

    before = versions()
    assert versions() == before
    if change == "nnshape":
        monkeypatch.setattr(nnshape, "__version__", "99")
    elif change == "PyYAML":
        monkeypatch.setattr(yaml, "__version__", "99")
    elif change == "Python":
        monkeypatch.setattr(sys, "version", "4.0")
    else:
        monkeypatch.setattr(nnshape, "__file__", str(tmp_path / "__init__.py"))
        (tmp_path / "__init__.py").write_text("")
    assert versions() != before
