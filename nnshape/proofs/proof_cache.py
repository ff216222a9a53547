"""Caches proofs, so that an unchanged spec that was proved before says so without importing torch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from nnshape.cache import Store, versions
from nnshape.proofs.modes import MODES
from nnshape.proofs.verification import Verification
from nnshape.spec.included import included
from nnshape.tracing import Trace

#: The version of the record format; other versions are never read.
_KIND = "proof-2"
#: Devices on which the same proof has the same result.
_DEVICES = ("auto", "cpu", "meta")
_BUILT_ON = ("cpu", "meta")
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,64}")


class ProofCache:
    """Looks up the proof of a trace that was made of the same texts, options, nnshape, Python and torch.

    `options` are the options of the trace, such as the values of hparams, as the user wrote them.
    """

    def __init__(self, folder: str | None, options: Mapping[str, Any]) -> None:
        self.store = Store(folder, _KIND)
        self._options = json.dumps(options, sort_keys=True)

    def find(self, trace: Trace, device: str) -> Verification | None:
        """Return the cached proof of a trace, or None. Whatever is wrong with it, it is only forgotten."""
        key = self._key(trace, device)
        document = None if key is None else self.store.get(*key)
        if document is None:
            return None
        try:
            verification = _read(document)
        except (ValueError, KeyError, TypeError):
            return None
        return verification if _fits(verification, trace) else None

    def keep(self, trace: Trace, device: str, verification: Verification) -> None:
        """Store a proof in which everything agrees, and nothing was left out."""
        key = self._key(trace, device)
        if key is None or not verification.is_complete or verification.from_cache:
            return
        self.store.put(_written(verification), *key)
        self.store.prune()

    def _key(self, trace: Trace, device: str) -> tuple[str, ...] | None:
        """Return all that decides a proof; None if not all of it is known, or a real device decides too."""
        spec = trace.spec
        includes = included(spec)
        if self.store.folder is None or device not in _DEVICES or spec.imports or includes is None:
            return None
        texts = [text for source in includes for text in (source.name, source.text)]
        return (*versions(), device, self._options, spec.name, spec.source.text, *texts)


def _written(verification: Verification) -> dict[str, Any]:
    return {
        "device": verification.device,
        "torch": verification.torch,
        "calls": verification.calls,
        "parameters": verification.parameters,
        "sizes": verification.sizes,
        "second_sizes": verification.second_sizes,
        "modes": list(verification.modes),
        "samples_apart": verification.samples_apart,
        "strides": verification.strides,
        "date": verification.date,
    }


def _read(document: dict[str, Any]) -> Verification:
    """Return the proof of a document. Raises ValueError, KeyError or TypeError for one that nnshape did not write."""
    device, torch, date = document["device"], document["torch"], document["date"]
    calls, parameters, modes = document["calls"], document["parameters"], tuple(document["modes"])
    if device not in _BUILT_ON or not _VERSION.fullmatch(torch) or not modes or not set(modes) <= set(MODES):
        raise ValueError(document)
    if datetime.fromisoformat(date).tzinfo is None:
        raise ValueError(date)
    strides = document["strides"]
    for number in (calls, parameters, 0 if strides is None else strides):
        if type(number) is not int or number < 0:
            raise ValueError(number)
    apart = document["samples_apart"]
    if not (apart is None or isinstance(apart, bool)):
        raise ValueError(apart)
    proof = Verification(device, torch, calls, parameters, True, modes=modes, date=date, from_cache=True)
    sizes, second = _sizes(document["sizes"]), _sizes(document["second_sizes"])
    return replace(proof, sizes=sizes, second_sizes=second, samples_apart=apart, strides=strides)


def _sizes(value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or not all(type(size) is int and size >= 0 for size in value.values()):
        raise ValueError(value)
    return value


def _fits(verification: Verification, trace: Trace) -> bool:
    """Return whether a proof can be of this trace, which has as many calls and parameters."""
    counted = trace.totals.parameters
    return verification.calls == len(trace.calls) and (
        not isinstance(counted, int) or counted == verification.parameters
    )
