"""English building blocks for any fact: what training frames and probe frames are both made of."""

from identity_ops.language.phrasing import Phrasing, phrase, phrase_all

__all__ = ["Phrasing", "phrase", "phrase_all"]
