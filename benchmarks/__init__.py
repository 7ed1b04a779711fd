"""Comparisons side by side with controls and peers; `python -m benchmarks` runs them all."""
