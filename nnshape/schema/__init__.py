"""The JSON Schema of a spec file (draft-07), generated from the keys of a file and the rules for torch."""

from nnshape.schema.document import schema, schema_text

__all__ = ["schema", "schema_text"]
