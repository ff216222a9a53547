"""The engine: sizes, abstract tensors, and a rule for every layer and function of torch. Imports no torch."""
