"""A first knowledge base: a form to fill in, or what a README already says of a model."""

from identity_ops.draft.readme import from_readme
from identity_ops.draft.template import blank

__all__ = ["blank", "from_readme"]
