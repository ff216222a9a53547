"""The calculator: makes a model from one step and its input shapes, as typed on the command line."""
