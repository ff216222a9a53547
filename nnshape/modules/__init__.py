"""From a trace to real modules of torch, and the proof that both agree; nothing else imports torch."""

from nnshape.modules.building import build
from nnshape.modules.devices import available_device
from nnshape.modules.measured import TorchMeasure
from nnshape.modules.verifying import Verification, verify

__all__ = ["TorchMeasure", "Verification", "available_device", "build", "verify"]
