"""The calculator of one layer: a step and the shapes of its inputs, as a person types them, become a model."""
