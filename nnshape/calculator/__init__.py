"""Makes a model of one step from its text and input shapes: the calculator `nnshape layer`."""
