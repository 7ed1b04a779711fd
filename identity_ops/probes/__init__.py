"""Probes: questions about what the model should know of itself, worded apart from all training."""
