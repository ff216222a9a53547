"""Layouts of tensors in memory, as torch's CPU kernels make them: strides, and which tensors share memory.

Shapes do not depend on layouts, so this is imported only for a view, an in-place write, or the proof.
"""
