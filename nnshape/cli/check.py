"""`nnshape check`: every spec below the paths, for CI."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from nnshape.cli import options
from nnshape.cli.usage import Misuse

if TYPE_CHECKING:
    from nnshape.checking import Report, Settings

_PLAIN_COLUMNS = 100


def check(
    paths: options.Paths = None,
    exclude: options.Exclude = None,
    stdin_filename: options.StdinFilename = None,
    no_config: options.NoConfig = False,
    strict: options.Strict = False,
    allow_empty: options.AllowEmpty = False,
    device: options.CheckDevice = None,
    output_format: options.ReportFormat = None,
    output_file: options.OutputFile = None,
    exit_zero: options.ExitZero = False,
    jobs: options.Jobs = None,
    no_cache: options.NoCache = False,
    cache_dir: options.CacheDir = None,
    clear_cache: options.ClearCache = False,
    fix: options.Fix = False,
    diff: options.Diff = False,
    allow_import: options.AllowImport = None,
    columns: options.Columns = None,
    color: options.ColorWhen = "auto",
    verbose: options.Verbose = False,
) -> int:
    """Check spec files, and every variant in them.

    In a folder, nnshape checks each .yaml, .yml and .json file that is a spec or nearly one. It exits
    with 0 if there is no error, with 1 if there are errors, and with 2 if the command itself failed or
    there is no spec. Settings are read from [tool.nnshape] in pyproject.toml; the comment
    # nnshape: ignore[KIND] suppresses problems of a kind on its line. The last line of the report
    counts the problems that settings and comments suppress. --diff exits with 1 if --fix would change a file.

    \b
    Examples:
      nnshape check configs/
      nnshape check --device none --format github
      nnshape check --format sarif --output-file nnshape.sarif configs/
    """
    from nnshape.checking import NO_CONFIG, find_specs, read_settings, stdin_spec
    from nnshape.checking import check as check_specs
    from nnshape.checking.path_patterns import BadPattern, Patterns
    from nnshape.cli.argument_names import in_options
    from nnshape.cli.caching import cleared_cache, opened_cache
    from nnshape.cli.program import PROBLEMS, USAGE
    from nnshape.cli.progress import ProgressBar
    from nnshape.cli.replacing import check_writable
    from nnshape.cli.writing import write, write_error, write_patch
    from nnshape.problems import SpecError
    from nnshape.proofs.device_names import AUTO, checked_name
    from nnshape.rendering.problems import problems_lines

    if stdin_filename is not None and "-" not in (paths or ()):
        raise Misuse("--stdin-filename names standard input, but no path is -.")
    if clear_cache:
        cleared_cache(cache_dir)
        if not paths:
            write("the cache is empty\n", stream=sys.stderr)
            return 0
    paths = paths or ["."]
    cache = None if no_cache else opened_cache(cache_dir, _places(paths, stdin_filename))
    try:
        settings = NO_CONFIG if no_config else read_settings(_places(paths, stdin_filename))
        device = checked_name(device or settings.device or AUTO)
    except SpecError as error:
        write_error(problems_lines(map(in_options, error.problems), _PLAIN_COLUMNS))
        return USAGE
    if output_file is not None:
        check_writable(output_file, "output_file")
    settings = replace(settings, strict=strict or settings.strict)
    if exclude:
        try:
            settings = replace(settings, exclude=Patterns(tuple(exclude), os.getcwd()))
        except BadPattern as error:
            raise Misuse(f"--exclude {error.pattern}: {error}") from None
    written = True
    found = find_specs(paths, settings, lambda: stdin_spec(stdin_filename), "--exclude" if exclude else "")
    candidates = found.candidates
    empty = not candidates and not allow_empty
    if fix or diff:
        from nnshape.cli.fixing import fixed_files

        candidates, differences, told, written = fixed_files(candidates, write=fix and not diff)
        write_error(told)
        if diff:
            write_patch(differences)
            if empty:
                _tell_empty(paths)
                return USAGE
            return PROBLEMS if differences and not exit_zero else 0
    with ProgressBar() as progress:
        report = check_specs(
            candidates, settings, device=device, allow_import=tuple(allow_import or ()),
            cache=cache, jobs=jobs, skipped=found.skipped, progress=progress,
        )  # fmt: skip
    _write(report, output_format or settings.format or "full", output_file, columns, color)
    if verbose:
        _tell_skipped(report, settings)
    if report.crashes:
        _tell_crashes(report)
    if empty:
        _tell_empty(paths)
        return USAGE
    if report.crashes or not written:
        return USAGE
    if any(finding.problem.kind == "internal-error" for _, finding in report.findings):
        return USAGE
    return PROBLEMS if report.fails and not exit_zero else 0


def _tell_empty(paths: list[str]) -> None:
    """Report on standard error that no file was checked."""
    from nnshape.cli.writing import write_error

    write_error([
        [("error", "error"), (f": no spec found in {', '.join(paths)}", "")],
        [("help", "good"), (": --verbose lists every file that is not checked; --allow-empty accepts this", "")],
    ])  # fmt: skip


def _tell_skipped(report: Report, settings: Settings) -> None:
    """List on standard error the settings file, and everything found but not checked."""
    from nnshape.cli.writing import write_error

    write_error([[(f"settings: {settings.file or 'none'}", "")]])
    write_error([[(item.line, "")] for item in report.skipped])


def _tell_crashes(report: Report) -> None:
    """Report internal errors on standard error, each once."""
    from nnshape.cli.writing import write_error

    by_fault: dict[str, list[str]] = {}
    for outcome in report.crashes:
        by_fault.setdefault(outcome.crash, []).append(outcome.name)
    for fault, (first, *others) in by_fault.items():
        more = f" and {len(others):,} more" if others else ""
        write_error([[(f"nnshape: internal error in {first}{more}: {fault}", "")]])
    text = "This is a bug: please report it; NNSHAPE_TRACEBACK=1 with --jobs 1 shows where it comes from."
    write_error([[(text, "")]])


def _places(paths: list[str], stdin_filename: str | None) -> list[str]:
    """The paths, with the name in place of standard input."""
    return [stdin_filename or path if path == "-" else path for path in paths]


def _write(report: Report, name: str, output_file: str | None, columns: int | None, color: str) -> None:
    """Write the report to its destination; for formats without a summary line, that goes to standard error."""
    from nnshape.cli.replacing import replace_file
    from nnshape.cli.writing import output, write, write_error
    from nnshape.rendering.checks.full import summary_line
    from nnshape.rendering.formats import View, format_of
    from nnshape.rendering.styled import painted

    form = format_of("check", name)
    out = output(columns, color)
    width = out.width if output_file is None else columns or _PLAIN_COLUMNS
    answer = form.render(report, View(width, os.environ.get(form.root, "") or os.getcwd()))
    if output_file is not None:
        text = painted(answer, color == "always") if form.language == "lines" else answer
        replace_file(output_file, text, "output_file")
    elif form.language == "lines":
        out.write(answer)
    else:
        write(answer, form.language)
    if output_file is not None or not form.complete:
        write_error([summary_line(report)])
