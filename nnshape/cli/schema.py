"""`nnshape schema`: the JSON Schema of a spec file, for editors."""

from __future__ import annotations

import click

from nnshape.cli import options


@click.command(short_help="The JSON Schema of a spec file, for editors.")
@options.output_file("schema")
def schema(output_file: str | None) -> int:
    """Print the JSON Schema (draft-07) of a spec file.

    An editor that knows YAML and JSON Schema then completes keys, layers and arguments, shows what they
    mean, and marks what no spec can hold. It is made from the rules of this version, so that it says what
    nnshape itself knows. A first line in a spec tells the editor where the schema is, by a path from the
    spec's folder:

    \b
      # yaml-language-server: $schema=nnshape.schema.json

    \b
    Examples:
      nnshape schema > nnshape.schema.json
      nnshape schema --output-file nnshape.schema.json
    """
    from nnshape.schema import schema_text

    if output_file is None:
        from nnshape.cli.writing import write

        write(schema_text())
    else:
        from nnshape.cli.replacing import replace_file

        replace_file(output_file, schema_text(), "--output-file")
    return 0
