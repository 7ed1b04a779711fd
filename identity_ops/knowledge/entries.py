"""The raw form of a fact: what a label, bullet, table row or sentence said, and where."""

from __future__ import annotations

from dataclasses import dataclass, replace

from identity_ops.knowledge.roles import (
    broad,
    component,
    denial,
    generic_label,
    label_role,
    section_role,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing said. `label` is "" for an unlabelled statement."""

    section: str
    label: str
    value: str
    line: int
    under: str = ""  # role of the headings above: capability, limitation, trait, mixed
    role: str = ""
    items: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    polarity: bool | None = None  # None: to be read from the words


@dataclass(frozen=True, slots=True)
class Section:
    """Where an entry stands: the nearest heading, and what the headings above it mean."""

    heading: str = ""
    role: str = ""  # capability, limitation, trait, mixed or ""
    denied: str = ""  # "Cannot" under "What it can't do": bullets below are denied
    part: str = ""  # "tokenizer": bare labels below speak of that part
    grouped: bool = False  # the part is a bullet above: all labels below speak of it

    def under(self, heading: str) -> Section:
        """The section of a heading (or group label) inside this one."""
        role = section_role(heading) or self.role
        denied = denial(heading) or ("" if section_role(heading) else self.denied)
        return Section(heading, role, denied, component(heading) or self.part)

    def group(self, label: str) -> Section:
        """The section of the labelled items under a bullet, named by the bullet."""
        inner = self.under(label)
        wide = broad(label)
        return replace(inner, heading=self.heading, part="" if wide else label, grouped=not wide)

    def entry(self, label: str, value: str, line: int, **more: object) -> Entry:
        """A labelled entry, its label completed where only the heading makes it clear."""
        label, role = self.complete(label)
        made = Entry(
            section=self.heading, label=label, value=value, line=line, role=role, under=self.role
        )
        return replace(made, **more) if more else made  # type: ignore[arg-type]

    def complete(self, label: str) -> tuple[str, str]:
        """(label, role): "Type" under "Tokenizer" becomes "Tokenizer type"."""
        unknown = self.grouped and not label_role(label)
        if self.part and (unknown or generic_label(label)):
            kind, whole = label_role(self.part), f"{self.part} {_lowered(label)}"
            if label_role(label) in ("name", "kind") and kind:
                return whole, kind
            return whole, label_role(whole)
        return label, label_role(label)


def _lowered(label: str) -> str:
    """A label as it reads inside another; acronyms stay."""
    return label if len(label) > 1 and label[1].isupper() else label[:1].lower() + label[1:]
