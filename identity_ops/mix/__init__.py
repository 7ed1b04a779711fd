"""The training mixture: identity conversations with general chat, by share of tokens."""

from identity_ops.mix.stage import mix_stage

__all__ = ["mix_stage"]
