"""The report: one self-contained page about one run, rendered from manifests and their files."""

from identity_ops.report.page import render_report, write_report

__all__ = ["render_report", "write_report"]
