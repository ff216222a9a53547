"""Checks many specs, for CI: finds and checks them, caches outcomes and filters problems."""

from nnshape.checking.check_run import check
from nnshape.checking.discovery import Found, SpecFile, find_specs, stdin_spec
from nnshape.checking.outcome import Finding, Needed, Outcome, Report, Skipped
from nnshape.checking.outcome_cache import Cache
from nnshape.checking.project_settings import NO_CONFIG, Settings
from nnshape.checking.settings_files import read_settings

__all__ = [
    "NO_CONFIG",
    "Cache",
    "Finding",
    "Found",
    "Needed",
    "Outcome",
    "Report",
    "Settings",
    "Skipped",
    "SpecFile",
    "check",
    "find_specs",
    "read_settings",
    "stdin_spec",
]
