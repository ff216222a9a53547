"""The two modes of a torch module."""

EVALUATION = "evaluation"
TRAINING = "training"
MODES = (EVALUATION, TRAINING)
