"""A bucket for the tests here."""

from tests.s3 import bucket, s3, strict

__all__ = ["bucket", "s3", "strict"]
