"""The mix stage: identity conversations and general chat become one training mixture.

    python -m identity_ops mix --identity CURATED --general builtin --identity-share 0.3 --out DIR

Every identity conversation is used once a pass; general chat fills the rest of the tokens, other
rows of it in each pass as far as the sources reach: a model that reads the same chat seven times
over learns it by heart and forgets the rest. What claims to be another assistant or gives a probe
away is left out and counted, and the written files are read again to show that nothing of that
kind is left.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from identity_ops.chat_format import context_of
from identity_ops.curate.dataset import read_conversations, read_table
from identity_ops.curate.rivals import Named
from identity_ops.errors import DataError
from identity_ops.general.sources import Source, open_source
from identity_ops.mix.budget import parse_general, share_of, tokens_wanted
from identity_ops.mix.sample import Choice, choose
from identity_ops.mix.screen import CountTokens, Nobody, Screen
from identity_ops.mix.table import SCHEMA, TRAIN, VAL, MixRow, interleaved, is_val, write_mixture
from identity_ops.records import Conversation, Fact, read_jsonl
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.stage import Outcome, run_stage

log = logging.getLogger(__name__)
IDENTITY = "identity"
MANY_EPOCHS = 4
FEW = 50  # identity conversations below which none is spared for validation


def mix_stage(
    curate_dir: Path,
    base_dir: Path | None,
    out: Path,
    *,
    general: Sequence[str],
    identity_share: float | None = None,
    weights: tuple[float, float] | None = None,
    probes_dir: Path | None = None,
    lint_dir: Path | None = None,
    seed: int = 0,
    val_share: float = 0.02,
    passes: int = 1,
    force: bool = False,
) -> Manifest:
    """Commit the mixture.

    Args:
        base_dir: the committed base, for its tokenizer and context; None estimates tokens as
            characters / 4 and checks no length.
        general: SPEC or SPEC=WEIGHT each, see general.sources.
        identity_share: of all tokens of one pass; or `weights`, identity to general.
        probes_dir: held-out probes that may not leak; None looks for no leaks.
        lint_dir: the knowledge base, for its own names (no rivals) and the facts to count.
        val_share: of conversations, held out of training by a hash of their id.
        passes: of the training over the identity conversations; each gets general chat of its
            own, as far as the sources reach.

    Raises:
        DataError: no identity conversation; no usable general row; a probe leaks all the same.
        ConfigError: shares, weights or sources that make no sense.
    """
    share = share_of(identity_share, weights)
    wanted = parse_general(general)
    inputs = {
        name: manifests.load(path).digest
        for name, path in
        (("curate", curate_dir), ("base", base_dir), ("probes", probes_dir), ("lint", lint_dir))
        if path is not None
    }  # fmt: skip
    sources = _named_apart([open_source(entry.spec, seed=seed, spool=out) for entry in wanted])
    inputs |= {f"general-{n}": source.digest() for n, source in enumerate(sources)}
    config = {
        "general": [[s.name, entry.weight] for s, entry in zip(sources, wanted, strict=True)],
        "share": share, "seed": seed, "val_share": val_share, "passes": passes,
    }  # fmt: skip

    def work(folder: Path) -> Outcome:
        screen = _screen(base_dir, probes_dir, lint_dir)
        identity = _identity(curate_dir, screen)
        needs = tokens_wanted(identity.tokens, share, wanted)
        choices = [
            choose(source, need * passes, screen, seed)
            for source, need in zip(sources, needs, strict=True)
        ]
        mixture = _Mixture(identity, choices, seed, val_share, passes)
        write_mixture(folder, mixture.rows())
        _assert_clean(folder, screen)
        figures = mixture.figures(_facts(lint_dir)) | {
            "share_wanted": share, "context": screen.context, "tokens_exact": base_dir is not None,
            "leaks_checked": screen.leaks is not None,
        }  # fmt: skip
        _report(figures)
        return Outcome(files=[TRAIN, VAL], counts=mixture.counts, figures=figures)

    return run_stage("mix", out, config, inputs, work, force=force)


@dataclass(frozen=True, slots=True)
class _Identity:
    """The identity conversations that may be trained on."""

    rows: tuple[MixRow, ...]
    purged: dict[str, int]

    @property
    def tokens(self) -> int:
        return sum(row.tokens for row in self.rows)


class _Mixture:
    """What goes into the files, and what can be said of it."""

    def __init__(
        self, identity: _Identity, choices: Sequence[Choice], seed: int, val_share: float,
        passes: int,
    ) -> None:  # fmt: skip
        self.identity, self.choices, self.passes = identity, choices, passes
        self._seed, self._val_share = seed, val_share
        self._tokens: Counter[str] = Counter()
        self._exposures: Counter[str] = Counter()
        self.counts: dict[str, int] = {"train": 0, "val": 0, "longest": 0}

    def rows(self) -> Iterator[tuple[MixRow, bool]]:
        """Every row with its split; counts as they pass."""
        streams: list[tuple[int, Iterable[MixRow]]] = [
            (len(self.identity.rows), self.identity.rows)
        ]
        streams += [(choice.rows, _general_rows(choice, self.passes)) for choice in self.choices]
        for row in interleaved(streams):
            held_out = self._is_val(row)
            self._count(row, held_out)
            yield row, held_out

    def figures(self, facts: Sequence[str]) -> dict[str, Any]:
        tokens = {
            name: count if name == IDENTITY else round(count / self.passes)
            for name, count in self._tokens.items()
        }
        total = sum(tokens.values())
        exposures = {fact: self._exposures[fact] for fact in facts or sorted(self._exposures)}
        purged = {choice.source.name: choice.purged for choice in self.choices}
        return {
            "share": round(tokens.get(IDENTITY, 0) / total, 4) if total else 0.0,
            "tokens": tokens,
            "passes": self.passes,
            "rows": {IDENTITY: len(self.identity.rows)}
            | {choice.source.name: choice.rows for choice in self.choices},
            "epochs": {IDENTITY: float(self.passes)}
            | {choice.source.name: round(choice.epochs, 4) for choice in self.choices},
            "examined": {choice.source.name: choice.examined for choice in self.choices},
            "purged": {IDENTITY: self.identity.purged} | purged,
            "exposures": exposures,
            "exposures_min": min(exposures.values(), default=0),
            "exposures_mean": round(sum(exposures.values()) / max(1, len(exposures)), 2),
        }

    def _is_val(self, row: MixRow) -> bool:
        if row.source == IDENTITY and len(self.identity.rows) < FEW:
            return False
        return is_val(row.id.partition("#")[0], self._val_share, self._seed)

    def _count(self, row: MixRow, held_out: bool) -> None:
        self.counts["val" if held_out else "train"] += 1
        self.counts["longest"] = max(self.counts["longest"], row.tokens)
        if not held_out:
            self._tokens[row.source] += row.tokens
            self._exposures.update(row.fact_ids)


def _named_apart(sources: Sequence[Source]) -> list[Source]:
    """Two files of one name in different folders become NAME and NAME-2."""
    seen: Counter[str] = Counter({IDENTITY: 1})
    named = []
    for source in sources:
        seen[source.name] += 1
        again = seen[source.name] > 1
        named.append(source.renamed(f"{source.name}-{seen[source.name]}") if again else source)
    return named


def _screen(base_dir: Path | None, probes_dir: Path | None, lint_dir: Path | None) -> Screen:
    from identity_ops.knowledge import read_knowledge
    from identity_ops.probes.files import load_probes
    from identity_ops.probes.leaks import LeakFinder, masked_phrases

    knowledge = read_knowledge(lint_dir) if lint_dir else None
    profile: Named = knowledge.profile if knowledge else Nobody()
    finder = None
    if probes_dir:
        phrases: Sequence[str] = ()
        if knowledge:
            phrases = masked_phrases(_names(knowledge.profile), knowledge.facts)
        finder = LeakFinder(load_probes(probes_dir)[0], phrases)
    context = context_of(base_dir) if base_dir else None
    return Screen(_counter(base_dir), profile, finder, context)


def _names(profile: Named) -> list[str]:
    return [profile.name, *profile.name_aliases, *profile.creators, *profile.creator_aliases]


def _counter(base_dir: Path | None) -> CountTokens:
    if base_dir is None:
        return lambda messages: sum(len(m["content"]) // 4 + 3 for m in messages) + 1
    from identity_ops.chat_format import open_format

    chat = open_format(base_dir)
    return lambda messages: len(chat.render(messages)[0])


def _identity(curate_dir: Path, screen: Screen) -> _Identity:
    purged: Counter[str] = Counter()
    rows = []
    for conversation in read_conversations(curate_dir, verify=False):
        tokens, reason = screen.check(conversation.messages)
        if reason:
            purged[reason] += 1
        else:
            rows.append(_identity_row(conversation, tokens))
    if not rows:
        raise DataError(
            "no identity conversation: training would change nothing about who the model is",
            where=curate_dir, expected="at least one", got=dict(purged) or 0,
            todo="Generate and curate conversations first.",
        )  # fmt: skip
    return _Identity(tuple(rows), dict(purged))


def _identity_row(conversation: Conversation, tokens: int) -> MixRow:
    return MixRow(
        id=conversation.id, source=IDENTITY, skill=conversation.kind, tokens=tokens,
        messages=conversation.messages, fact_ids=conversation.fact_ids,
    )  # fmt: skip


def _general_rows(choice: Choice, passes: int) -> Iterator[MixRow]:
    name = choice.source.name
    for row, number, copy, tokens in choice.read():
        identity = f"{name}-{number}" if copy == 1 else f"{name}-{number}#{copy}"
        yield MixRow(
            id=identity, source=name, skill=row.skill, messages=row.messages, tokens=tokens,
            part=(number + copy) % passes,
        )  # fmt: skip


def _facts(lint_dir: Path | None) -> list[str]:
    return [f.id for f in read_jsonl(Fact, lint_dir / "facts.jsonl")] if lint_dir else []


def _assert_clean(folder: Path, screen: Screen) -> None:
    """Read what was written: no rival claim, no leak.

    Raises:
        DataError: names the first conversation that should not be there.
    """
    for name in (TRAIN, VAL):
        for row in read_table(folder / name, SCHEMA):
            if reason := screen.content(row["messages"]):
                raise DataError(f"{reason} in the mixture", where=f"{name}: {row['id']}")


def _report(figures: dict[str, Any]) -> None:
    for name, epochs in figures["epochs"].items():
        if name != IDENTITY and epochs > MANY_EPOCHS:
            log.warning("%s is small: used %.1f times over; add general chat", name, epochs)
    log.info(
        "mixture: identity %.1f %% of %d tokens; rows %s; epochs %s; exposures a fact: least %d, "
        "mean %.1f; left out %s",
        100 * figures["share"], sum(figures["tokens"].values()), figures["rows"],
        figures["epochs"], figures["exposures_min"], figures["exposures_mean"],
        {name: count for name, count in figures["purged"].items() if count} or "nothing",
    )  # fmt: skip
