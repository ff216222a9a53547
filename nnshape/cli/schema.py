"""`nnshape schema`: the JSON Schema of a spec file, for editors."""

from __future__ import annotations

from nnshape.cli import options


def schema(output_file: options.OutputFile = None) -> int:
    """Print the JSON Schema (draft-07) of a spec file.

    An editor that supports YAML and JSON Schema uses it to complete keys, layers and arguments, to
    show their documentation, and to mark mistakes. The schema is generated from the rules of this
    version of nnshape. To use it, put its path, relative to the spec's folder, on the first line of a
    spec:

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

        write(schema_text(), "json")
    else:
        from nnshape.cli.replacing import replace_file

        replace_file(output_file, schema_text(), "output_file")
    return 0
