"""How torch's CPU kernels lay out tensors in memory: strides, and which tensors share memory.

Shapes do not depend on it, so nothing here is imported before somebody asks: a view, a write in place, or the proof.
"""
