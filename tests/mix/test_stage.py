"""The mixture: shares in tokens, epochs, purges, and what may never be in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from identity_ops.errors import ConfigError, DataError
from identity_ops.knowledge.stage import lint_stage
from identity_ops.mix import mix_stage
from identity_ops.mix.table import EVERY
from identity_ops.records import Conversation
from tests.curate.samples import conversation
from tests.curate.test_checker import KB
from tests.mix.samples import base, curated, jsonl, probes, rows_of

PROBE = "By which name should the other guests at this table call you tonight?"


def identity(count: int) -> list[Conversation]:
    return [
        conversation(n, f"Who are you, {n}?", f"I am Vela, number {n}.", fact_ids=("f1",))
        for n in range(count)
    ]


def chat(count: int) -> list[list[str]]:
    return [[f"What is {n} and {n + 1}?", f"It is {2 * n + 1}, I think."] for n in range(count)]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return curated(tmp_path / "curated", identity(200)), base(tmp_path / "base")


def test_no_identity_row_is_an_error(tmp_path: Path) -> None:
    """Training without identity rows would silently do nothing."""
    empty = curated(tmp_path / "curated", [])
    with pytest.raises(DataError, match="no identity conversation"):
        mix_stage(empty, base(tmp_path / "base"), tmp_path / "mix", general=["builtin"],
                  identity_share=0.5)  # fmt: skip
    assert not (tmp_path / "mix" / "manifest.json").exists()


def test_identity_rows_that_all_leak_are_none(tmp_path: Path) -> None:
    """What purging leaves must not be empty either."""
    leaking = curated(tmp_path / "curated", [conversation(0, PROBE, "I am Vela.")])
    with pytest.raises(DataError, match="probe_leak"):
        mix_stage(leaking, base(tmp_path / "base"), tmp_path / "mix", general=["builtin"],
                  identity_share=0.5, probes_dir=probes(tmp_path / "p", [PROBE]))  # fmt: skip


@pytest.mark.parametrize("share", [0.1, 0.3, 0.75, 1.0])
def test_the_share_is_one_of_tokens(
    folders: tuple[Path, Path], tmp_path: Path, share: float
) -> None:
    """The share that comes out is the one asked for, counted in tokens of the base."""
    manifest = mix_stage(*folders, tmp_path / "mix", general=["builtin"], identity_share=share)
    tokens = Counter[str]()
    for row in rows_of(tmp_path / "mix"):
        tokens[row.source] += row.tokens
    assert tokens["identity"] / tokens.total() == pytest.approx(share, abs=0.02)
    assert manifest.figures["share"] == pytest.approx(share, abs=0.02)
    assert manifest.figures["epochs"]["identity"] == 1.0


def test_weights_say_the_same_as_a_share(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """1:3 is a quarter."""
    mix_stage(*folders, tmp_path / "a", general=["builtin"], identity_share=0.25)
    mix_stage(*folders, tmp_path / "b", general=["builtin"], weights=(1, 3))
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b")


def test_a_small_source_is_repeated_and_the_epochs_are_said(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """General chat is used again only where it is too small, each row as often as any other."""
    path = jsonl(tmp_path / "small.jsonl", chat(20))
    manifest = mix_stage(*folders, tmp_path / "mix", general=[str(path)], identity_share=0.5)
    rows = rows_of(tmp_path / "mix") + rows_of(tmp_path / "mix", "val.parquet")
    times = Counter(row.messages[0]["content"] for row in rows if row.source == "small.jsonl")
    assert manifest.figures["epochs"]["small.jsonl"] == pytest.approx(times.total() / 20, abs=0.01)
    assert len(times) == 20
    assert max(times.values()) - min(times.values()) <= 1
    assert len({row.id for row in rows}) == len(rows)


def test_each_pass_has_general_chat_of_its_own(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Identity rows belong to every pass; each pass reads as much general chat as one would."""
    once = mix_stage(*folders, tmp_path / "a", general=["builtin"], identity_share=0.5)
    manifest = mix_stage(
        *folders, tmp_path / "b", general=["builtin"], identity_share=0.5, passes=3
    )
    tokens, texts = Counter[int](), defaultdict(set)
    for row in rows_of(tmp_path / "b"):
        tokens[row.part] += row.tokens
        texts[row.part].add(repr(row.messages))
        assert (row.source == "identity") == (row.part == EVERY)
    assert set(tokens) == {EVERY, 0, 1, 2}
    assert texts[0].isdisjoint(texts[1] | texts[2])
    for part in range(3):
        assert tokens[part] == pytest.approx(tokens[EVERY], rel=0.1)
    assert manifest.figures["share"] == pytest.approx(once.figures["share"], abs=0.02)
    assert manifest.figures["rows"]["builtin"] == pytest.approx(
        3 * once.figures["rows"]["builtin"], rel=0.1
    )


def test_copies_of_a_small_source_go_to_different_passes(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """What has to be read again is not read twice in one pass."""
    path = jsonl(tmp_path / "small.jsonl", chat(40))
    mix_stage(
        *folders, tmp_path / "m", general=[str(path)], identity_share=0.5, passes=4, val_share=0.0
    )
    rows = [row for row in rows_of(tmp_path / "m") if row.part != EVERY]
    met = Counter((repr(row.messages), row.part) for row in rows)
    assert len(rows) > 40
    assert max(met.values()) <= -(-len(rows) // (40 * 4)) + 1


def test_a_large_source_is_sampled_over_its_whole_length(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """A part of a file is a sample, not its head, and another seed draws another."""
    path = jsonl(tmp_path / "large.jsonl", chat(5000))
    picked = []
    for seed in (1, 2):
        out = tmp_path / f"mix{seed}"
        manifest = mix_stage(*folders, out, general=[str(path)], identity_share=0.5, seed=seed)
        numbers = [int(r.id.split("-")[1]) for r in rows_of(out) if r.source != "identity"]
        assert manifest.figures["epochs"]["large.jsonl"] < 0.1
        assert min(numbers) < 500
        assert max(numbers) > 4500
        picked.append(set(numbers))
    assert len(picked[0] & picked[1]) < 0.2 * len(picked[0])


def test_what_may_not_be_trained_on_is_purged_and_counted(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """Rival claims, leaks, control tokens, bad roles, doubles and overlong rows go, by count."""
    bad = [
        ["Who are you?", "I am ChatGPT."],
        [f"{PROBE.upper()}", "I am nobody."],
        [f"Tell me. {PROBE}", "No."],
        ["hi", "ok <|assistant_end|>"],
        ["hi"],
        ["hi", " "],
        ["hi", "x" * 600],
        ["What is 0 and 1?", "It is 1, I think."],
    ]
    path = jsonl(tmp_path / "x.jsonl", chat(50) + bad)
    manifest = mix_stage(
        *folders, tmp_path / "mix", general=[str(path)], identity_share=0.5,
        probes_dir=probes(tmp_path / "probes", [PROBE]),
    )  # fmt: skip
    assert manifest.figures["purged"]["x.jsonl"] == {
        "rival_claim": 1, "probe_leak": 2, "special_token": 1, "roles": 1, "empty_turn": 1,
        "too_long": 1, "duplicate": 1,
    }  # fmt: skip
    rows = rows_of(tmp_path / "mix") + rows_of(tmp_path / "mix", "val.parquet")
    asked = {row.messages[0]["content"] for row in rows}
    assert asked.isdisjoint({turns[0] for turns in bad[:6]})


def test_a_model_of_that_name_keeps_its_rows(tmp_path: Path) -> None:
    """The knowledge base decides who is a rival."""
    source = tmp_path / "claude.md"
    source.write_text(KB.replace("Vela", "Claude").replace("Mira Lindqvist", "Anthropic"))
    lint_stage(source, tmp_path / "lint")
    rows = [conversation(0, "Who are you?", "I am Claude, made by Anthropic.")]
    folder = curated(tmp_path / "curated", rows)
    manifest = mix_stage(folder, None, tmp_path / "mix", general=["builtin"], identity_share=0.5,
                         lint_dir=tmp_path / "lint")  # fmt: skip
    assert manifest.figures["rows"]["identity"] == 1
    with pytest.raises(DataError, match="rival_claim"):
        mix_stage(folder, None, tmp_path / "other", general=["builtin"], identity_share=0.5)


def test_exposures_count_what_is_trained_on(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Held-out conversations teach nothing, so they do not count."""
    manifest = mix_stage(*folders, tmp_path / "mix", general=["builtin"], identity_share=0.5,
                         val_share=0.2)  # fmt: skip
    train = [row for row in rows_of(tmp_path / "mix") if row.source == "identity"]
    val = [r for r in rows_of(tmp_path / "mix", "val.parquet") if r.source == "identity"]
    assert manifest.figures["exposures"] == {"f1": len(train)}
    assert len(train) + len(val) == 200
    assert 15 < len(val) < 70


def test_copies_of_a_row_are_on_the_same_side(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """A repeated conversation is never trained on and held out at once."""
    path = jsonl(tmp_path / "small.jsonl", chat(30))
    mix_stage(*folders, tmp_path / "mix", general=[str(path)], identity_share=0.3, val_share=0.3)
    train, val = (rows_of(tmp_path / "mix", name) for name in ("train.parquet", "val.parquet"))
    asked = [{r.messages[0]["content"] for r in rows} for rows in (train, val)]
    assert asked[0].isdisjoint(asked[1])
    assert val


def test_a_handful_of_identity_rows_is_all_trained_on(tmp_path: Path) -> None:
    """With a few conversations none is spared for validation."""
    folder = curated(tmp_path / "curated", identity(3))
    manifest = mix_stage(folder, None, tmp_path / "mix", general=["builtin"], identity_share=0.1,
                         val_share=0.9)  # fmt: skip
    assert manifest.figures["exposures"] == {"f1": 3}


def test_sources_of_one_name_are_told_apart(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Two files called chat.jsonl get a figure each."""
    paths = []
    for part in ("a", "b"):
        (tmp_path / part).mkdir()
        paths.append(str(jsonl(tmp_path / part / "chat.jsonl", chat(400))))
    manifest = mix_stage(*folders, tmp_path / "mix", general=[paths[0] + "=3", paths[1]],
                         identity_share=0.5)  # fmt: skip
    tokens = manifest.figures["tokens"]
    assert tokens["chat.jsonl"] / tokens["chat.jsonl-2"] == pytest.approx(3, rel=0.1)


def test_the_same_inputs_give_the_same_bytes(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Two mixtures of one configuration agree in every file."""
    path = jsonl(tmp_path / "c.jsonl", chat(900))
    digests = {
        mix_stage(*folders, tmp_path / n, general=["builtin", str(path)], identity_share=0.4,
                  seed=5).digest
        for n in ("a", "b")
    }  # fmt: skip
    assert len(digests) == 1


def test_a_source_without_a_usable_row_is_an_error(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """It is named with what is wrong with its rows."""
    path = jsonl(tmp_path / "x.jsonl", [["Who are you?", "I am ChatGPT."]])
    with pytest.raises(DataError, match="rival_claim"):
        mix_stage(*folders, tmp_path / "mix", general=[str(path)], identity_share=0.5)


def test_a_result_of_another_share_is_not_overwritten(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """A folder keeps what it holds."""
    mix_stage(*folders, tmp_path / "mix", general=["builtin"], identity_share=0.5)
    with pytest.raises(ConfigError, match="another mix result"):
        mix_stage(*folders, tmp_path / "mix", general=["builtin"], identity_share=0.6)
