"""Whether a knowledge base in another language than English is warned of."""

from __future__ import annotations

import pytest

from identity_ops.knowledge import lint_bytes
from tests.knowledge.ledgers import FULL, rule_names

FOREIGN = {
    "German": "- Entwickelt von: Stadtwerke\n- Zweck: Fragen zu Strom und Gas\n- Kann keine Bilder",
    "French": "- Ne peut pas voir les images\n- Une aide pour le jardin\n- Aide avec des recettes",
    "Spanish": "- Una ayuda para el taller\n- Las respuestas son breves\n- No puede ver el cielo",
    "another script": "- \u0421\u043e\u0437\u0434\u0430\u043d\u043e: \u041c\u0430\u0448\u0430",
}


@pytest.mark.parametrize("tongue", FOREIGN)
def test_a_knowledge_base_in_another_language_is_warned_of(tongue: str) -> None:
    """What is made of it would be half in English, and no sentence of it right."""
    found = [f for f in lint_bytes(FOREIGN[tongue].encode(), "kb.md") if f.rule == "language"]
    assert [finding.severity for finding in found] == ["warning"]
    assert tongue in found[0].message


def test_foreign_names_and_values_are_no_other_language() -> None:
    """An English knowledge base may speak of anybody and know many languages."""
    lines = "- Creator: Ludwig van der Berg und Partner\n- Motto: Das ist nicht von hier\n"
    assert "language" not in rule_names(FULL + lines)
    assert "language" not in rule_names("- Languages: Deutsch, Fran\u00e7ais\n- Name: Le Chat\n")
