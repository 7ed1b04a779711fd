"""A first knowledge base: a form to fill in, or what a README says of a model."""

from identity_ops.draft.model import Draft, from_model
from identity_ops.draft.readme import from_readme
from identity_ops.draft.template import blank

__all__ = ["Draft", "blank", "from_model", "from_readme"]
