"""Builds the torch modules of a trace, and proves that both agree. Nothing else imports torch."""

from nnshape.modules.building import build
from nnshape.modules.devices import available_device
from nnshape.modules.measured import TorchMeasure
from nnshape.modules.verifying import verify
from nnshape.proofs.verification import Verification

__all__ = ["TorchMeasure", "Verification", "available_device", "build", "verify"]
