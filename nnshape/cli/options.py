"""The arguments and options that commands share, each declared once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from typer import Argument, Option

from nnshape.cli import completion
from nnshape.rendering.formats import format_names

if TYPE_CHECKING:
    InspectFormatName: TypeAlias = str
    ParamsFormatName: TypeAlias = str
    CheckFormatName: TypeAlias = str
else:
    InspectFormatName = Literal[format_names("inspect")]
    ParamsFormatName = Literal[format_names("params")]
    CheckFormatName = Literal[format_names("check")]
Color: TypeAlias = Literal["auto", "always", "never"]

# The model: a file, and the values that replace its own.
File = Annotated[str, Argument(metavar="FILE", help="The spec to read, or - for standard input.")]
Inputs = Annotated[
    list[str] | None,
    Option(
        "--input",
        metavar="[NAME=]SHAPE",
        help="Replace the shape of an input: 3x256x256, ids=int64[N, 16].",
        autocompletion=completion.inputs,
    ),
]
Settings = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="NAME=VALUE",
        help="Set an hparam or a symbolic size: depth=24, H=512, act=GELU. N=8 shows the figures of a batch of 8.",
        autocompletion=completion.settings,
    ),
]
Variant = Annotated[
    str | None,
    Option("--variant", metavar="NAME", help="Use this variant of the file.", autocompletion=completion.variants),
]
Symbolic = Annotated[bool, Option("--symbolic", help="Keep sizes symbolic, even if dims gives them values.")]
Dtype = Annotated[
    str | None,
    Option(
        "--dtype",
        metavar="DTYPE",
        help="The dtype of the whole model, instead of the file's: bfloat16.",
        autocompletion=completion.dtypes,
    ),
]
Needs = Annotated[bool, Option("--needs", help="Show the requirements on the symbolic sizes of FILE, and their steps.")]
AllowImport = Annotated[
    list[str] | None,
    Option(
        "--allow-import",
        metavar="MODULE:CLASS",
        help="Let the file import this Python class. Runs its code.",
    ),
]

# The proof.
Device = Annotated[
    str,
    Option(
        "--device",
        metavar="DEVICE",
        help="Prove the table on the real modules there: auto (cpu for a small model, else meta), cpu, meta, "
        "cuda, cuda:1 or mps; none skips the proof.",
        autocompletion=completion.devices,
    ),
]
Seed = Annotated[int, Option("--seed", min=0, metavar="N", help="Seed for the random values.")]

# The answer.
InspectFormat = Annotated[InspectFormatName, Option("--format", help="Output format.")]
ParamsFormat = Annotated[ParamsFormatName, Option("--format", help="Output format.")]
PlainFormat = Annotated[Literal["table", "json"], Option("--format", help="Output format.")]
OutputFile = Annotated[
    str | None, Option("--output-file", metavar="FILE", help="Write to this file instead of standard output.")
]
Depth = Annotated[int | None, Option("--depth", min=1, metavar="N", help="Show this many levels of blocks.")]
NoFold = Annotated[bool, Option("--no-fold", help="Give every repeated step its own row.")]
Columns = Annotated[
    int | None,
    Option("--columns", min=40, metavar="N", help="Width of the output in columns. Defaults to the terminal's."),
]
ColorWhen = Annotated[
    Color, Option("--color", help="When to use colour; auto follows the terminal, NO_COLOR and FORCE_COLOR.")
]

# Fixes.
Fix = Annotated[
    bool, Option("--fix", help="Write safe fixes to the file: they change arguments of the failing layer only.")
]
Diff = Annotated[bool, Option("--diff", help="Show what --fix would change, without writing.")]

# params
LayerPath = Annotated[
    str | None,
    Option(
        "--layer",
        metavar="PATH",
        help="List only the parameters of this layer: fc1, h.0.attn.",
        autocompletion=completion.steps,
    ),
]
ParameterValues = Annotated[bool, Option("--values", help="Build the model and show the values of each tensor.")]
BuildDevice = Annotated[
    str | None,
    Option(
        "--device",
        metavar="DEVICE",
        help="Build the real modules there and list their parameters: cpu, cuda, cuda:1, mps or meta. "
        "--values does so on cpu.",
        autocompletion=completion.build_devices,
    ),
]

# layer
Expression = Annotated[
    str,
    Argument(
        metavar="STEP",
        help="The layer or function, written as in a spec or pasted from print(model).",
        autocompletion=completion.layers,
    ),
]
Shapes = Annotated[list[str] | None, Argument(metavar="[SHAPE]...", help="The shape of each input.")]
NamedShapes = Annotated[
    list[str] | None,
    Option("--input", metavar="NAME=SHAPE", help="The shape of one input, by name; the same as NAME=SHAPE."),
]
Sizes = Annotated[list[str] | None, Option("--set", metavar="NAME=VALUE", help="Set a symbolic size: H=512.")]
LayerValues = Annotated[bool, Option("--values", help="Run the real layer on random inputs and show the values.")]

# explain
StepPath = Annotated[
    str | None,
    Argument(
        metavar="[STEP]",
        help="The path of a step in FILE, or the end of that path.",
        autocompletion=completion.steps,
    ),
]

# check
Paths = Annotated[
    list[str] | None,
    Argument(metavar="[PATH]...", help="Files and folders; - for standard input. Defaults to the current folder."),
]
Exclude = Annotated[
    list[str] | None,
    Option("--exclude", metavar="GLOB", help="Skip matching files in folders. Replaces exclude of the settings."),
]
NoConfig = Annotated[
    bool,
    Option("--no-config", help="Ignore pyproject.toml and ignore comments, which could loosen the check."),
]
Strict = Annotated[bool, Option("--strict", help="Exit with 1 if there are warnings.")]
AllowEmpty = Annotated[bool, Option("--allow-empty", help="Do not fail if there is no spec to check.")]
Verbose = Annotated[
    bool, Option("--verbose", help="List the settings file and each file and folder that is not checked, with reasons.")
]
StdinFilename = Annotated[
    str | None,
    Option("--stdin-filename", metavar="NAME", help="Path to report for standard input; also resolves its includes."),
]
CheckDevice = Annotated[
    str | None,
    Option(
        "--device",
        metavar="DEVICE",
        help="Prove every model on the real modules there: auto (the default: cpu for a small model, else meta), "
        "cpu, meta, cuda, cuda:1 or mps; none skips the proof.",
        autocompletion=completion.devices,
    ),
]
ReportFormat = Annotated[
    CheckFormatName | None,
    Option("--format", help="Output format.  [default: full]"),
]
ExitZero = Annotated[bool, Option("--exit-zero", help="Exit with 0 even if there are errors.")]
Jobs = Annotated[
    int | None,
    Option("--jobs", min=1, metavar="N", help="Maximum number of processes. Defaults to the number of cores."),
]
NoCache = Annotated[bool, Option("--no-cache", help="Neither read nor write the cache.")]
CacheDir = Annotated[
    str | None, Option("--cache-dir", metavar="DIR", help="Keep the cache in this folder, even inside the project.")
]
ClearCache = Annotated[bool, Option("--clear-cache", help="Clear the cache first; without a PATH, do nothing else.")]
