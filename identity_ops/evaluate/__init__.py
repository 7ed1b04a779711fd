"""Evaluation: how well the identity took, with intervals, traced down to each answer."""

from identity_ops.evaluate.stage import evaluate_stage, load_scores
from identity_ops.evaluate.table import render_table

__all__ = ["evaluate_stage", "load_scores", "render_table"]
