"""identity-ops: teach a language model who it is, and measure whether it took."""

__version__ = "0.1.0"
