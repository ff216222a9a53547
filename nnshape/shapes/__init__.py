"""The engine: sizes, abstract tensors, and the rules for torch's layers and functions. Imports no torch."""
