"""The names of devices as people write them, checked without torch."""

from __future__ import annotations

from nnshape.problems import Problem, SpecError

#: The default: cpu for a small model, and meta for any other.
AUTO = "auto"
NONE = "none"
#: Other words for a kind of device.
_ALIASES = {"gpu": "cuda"}


def torch_name(name: str) -> str:
    """The name that torch has for a device: `cuda:1` for `gpu:1`."""
    kind, colon, number = name.partition(":")
    return f"{_ALIASES.get(kind, kind)}{colon}{number}"


def checked_name(name: str) -> str:
    """The name that torch has for a device; raises SpecError for any other word."""
    kind, colon, number = name.partition(":")
    if not kind.isidentifier() or (colon and not number.isdigit()):
        message = f"{name or 'an empty name'} is not a device"
        help = ("auto, cpu, meta, cuda, cuda:1, mps; or none, which skips the proof",)
        raise SpecError(Problem("unavailable-device", message, argument="device", help=help))
    return torch_name(name)
