"""What `nnshape inspect` says of the strides that the proof compared."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_last_line_and_json_say_what_is_proved_of_strides(run):
    lenet = ROOT / "configs" / "lenet.yaml"
    on_cpu = run("inspect", lenet, "--device", "cpu", "--format", "json", "--no-cache")
    assert json.loads(on_cpu.out)["verification"]["strides"] == 12
    on_meta = run("inspect", lenet, "--device", "meta", "--format", "json", "--no-cache")
    assert json.loads(on_meta.out)["verification"]["strides"] is None
    last = run("inspect", lenet, "--device", "meta", "--no-cache").out.splitlines()[-1]
    assert last.endswith("agree in evaluation mode; meta proves no strides")


def test_a_kept_proof_has_its_strides(run, tmp_path):
    lenet = ROOT / "configs" / "lenet.yaml"
    for device, strides in (("cpu", 12), ("meta", None)):
        for from_cache in (False, True):
            found = run("inspect", lenet, "--device", device, "--format", "json", "--cache-dir", tmp_path)
            verification = json.loads(found.out)["verification"]
            assert (verification["from_cache"], verification["strides"]) == (from_cache, strides)
