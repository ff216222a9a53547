"""Many specs at once, for CI: found, judged, remembered, and their problems filtered."""

from nnshape.checking.cache import Cache
from nnshape.checking.discovery import Candidate, Found, find_specs, stdin_spec
from nnshape.checking.outcome import Finding, Outcome, Report
from nnshape.checking.running import check
from nnshape.checking.settings import Settings, read_settings

__all__ = [
    "Cache",
    "Candidate",
    "Finding",
    "Found",
    "Outcome",
    "Report",
    "Settings",
    "check",
    "find_specs",
    "read_settings",
    "stdin_spec",
]
