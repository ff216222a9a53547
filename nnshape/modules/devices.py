"""Finds the available devices by their torch names."""

from __future__ import annotations

import torch

from nnshape.problems import Problem, SpecError
from nnshape.problems.nearest import nearest
from nnshape.proofs.device_names import torch_name


def available_device(name: str) -> torch.device:
    """Return the device of this name. Raises SpecError with the available devices if it is not one of them."""
    name = torch_name(name)
    try:
        device = torch.device(name)
    except RuntimeError:
        raise _unavailable(name) from None
    count = _count(device.type)
    if device.index is None:
        if count == 0:
            raise _unavailable(name)
    elif device.index >= count:
        raise _unavailable(name)
    return device


def available_devices() -> list[str]:
    """Return the names of all available devices: `cpu`, accelerators such as `cuda` or `cuda:1`, and `meta`."""
    names = ["cpu"]
    for kind in ("cuda", "mps", "xpu", "hpu", "mtia"):
        count = _count(kind)
        names += [kind] if count == 1 else [f"{kind}:{index}" for index in range(count)]
    return [*names, "meta"]


def _count(kind: str) -> int:
    """Return the number of devices of a type."""
    if kind in ("cpu", "meta"):
        return 1
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    backend = getattr(torch, kind, None)
    if backend is None or not hasattr(backend, "is_available") or not backend.is_available():
        return 0
    return int(backend.device_count()) if hasattr(backend, "device_count") else 1


def _unavailable(name: str) -> SpecError:
    there = available_devices()
    listed = f"{', '.join(there[:-1])} and {there[-1]}"
    message = f"device {name or repr(name)} is not available: choose from {listed}"
    return SpecError(Problem("unavailable-device", message, help=nearest(name, there), argument="device"))


def torch_version() -> str:
    """The version of torch, without the build's own suffix."""
    return str(torch.__version__).partition("+")[0]
