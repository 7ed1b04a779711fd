"""Curation: check each conversation, remove duplicates, measure coverage, write the data set."""

from identity_ops.curate.checker import Checker

__all__ = ["Checker"]
