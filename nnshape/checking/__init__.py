"""Many specs at once, for CI: found, judged, remembered, and their problems filtered."""

from nnshape.checking.cache import Cache
from nnshape.checking.discovery import Candidate, Found, find_specs, stdin_spec
from nnshape.checking.outcome import Finding, Outcome, Report, Skipped
from nnshape.checking.running import check
from nnshape.checking.settings import NO_CONFIG, Settings
from nnshape.checking.settings_files import read_settings

__all__ = [
    "NO_CONFIG",
    "Cache",
    "Candidate",
    "Finding",
    "Found",
    "Outcome",
    "Report",
    "Settings",
    "Skipped",
    "check",
    "find_specs",
    "read_settings",
    "stdin_spec",
]
