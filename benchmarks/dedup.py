"""How fast near duplicates are found, and how many: `python -m benchmarks dedup`.

The same 100,000 conversations for everybody: talk of realistic length, a third of it with copies
of which 1 to 12 % of the words were changed, which lies around the threshold, and the template
teacher's conversations about a shipped knowledge base. In alternation, each in a fresh process
that reads the texts before the clock starts: ours, datasketch (MinHash of 128 permutations and
its LSH, as its documentation has it) and rensa (the same in Rust). All find pairs at a Jaccard
similarity of 0.7 or more of word-3 shingles, made by one function for the other two. What they
find is held against an exact join by prefix filtering (SetSimilaritySearch) over the same
shingles, which is computed once and shares no hash with anybody.

Reported: medians over the rounds of wall and CPU seconds, the peak of the process's memory (texts
included), recall and precision. CPU seconds are what to compare where the machine does other work.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from benchmarks.dedup_texts import texts

COUNT, ROUNDS, SEED, THRESHOLD, SIZE, PERMUTATIONS = 100_000, 3, 1, 0.7, 3, 128
ROOT = Path(__file__).resolve().parent.parent
_WORD = re.compile(r"\w+")
Pairs = Iterable[tuple[int, int]]


def shingles(text: str) -> set[str]:
    """Runs of three words; a shorter text is one shingle."""
    words = _WORD.findall(text.casefold())
    return {" ".join(words[at : at + SIZE]) for at in range(max(1, len(words) - SIZE + 1))}


def run_ours(corpus: list[str]) -> Pairs:
    """What the curate stage calls."""
    from identity_ops.curate.dedup import Settings, near_pairs

    return near_pairs(corpus, Settings(threshold=THRESHOLD, shingle=SIZE))


def run_datasketch(corpus: list[str]) -> Pairs:
    """Each text is asked for among those before it, then added; candidates by their estimate."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    hashes: list[MinHash] = []
    for number, text in enumerate(corpus):
        made = MinHash(num_perm=PERMUTATIONS)
        made.update_batch([shingle.encode() for shingle in shingles(text)])
        for other in index.query(made):
            if hashes[other].jaccard(made) >= THRESHOLD:
                yield other, number
        index.insert(number, made, check_duplication=False)
        hashes.append(made)


def run_rensa(corpus: list[str]) -> Pairs:
    """The same steps with rensa's hashes and index: 16 bands."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=16)
    hashes: list[RMinHash] = []
    for number, text in enumerate(corpus):
        made = RMinHash(num_perm=PERMUTATIONS, seed=1)
        made.update(list(shingles(text)))
        for other in index.query(made):
            if hashes[other].jaccard(made) >= THRESHOLD:
                yield other, number
        index.insert(number, made)
        hashes.append(made)


def run_exact(corpus: list[str]) -> Pairs:
    """Every pair, by prefix filtering over numbered shingles."""
    from SetSimilaritySearch import all_pairs

    numbers: dict[str, int] = {}
    sets = [[numbers.setdefault(s, len(numbers)) for s in shingles(text)] for text in corpus]
    del numbers
    for left, right, _ in all_pairs(sets, "jaccard", THRESHOLD):
        yield min(left, right), max(left, right)


CONTESTANTS: dict[str, Callable[[list[str]], Pairs]] = {
    "ours": run_ours, "datasketch": run_datasketch, "rensa": run_rensa,
}  # fmt: skip


def turn(name: str, source: str, target: str) -> None:
    """What the process of one turn does: find the pairs, and say what it took."""
    corpus: list[str] = json.loads(Path(source).read_text(encoding="utf-8"))
    work = run_exact if name == "exact" else CONTESTANTS[name]
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = list(work(corpus))
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    np.save(target, np.array(found, np.int64).reshape(-1, 2))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """The most memory this process had resident; getrusage would count its parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def one_turn(name: str, corpus: Path) -> tuple[dict[str, float], set[tuple[int, int]]]:
    """One contestant in a process of its own: its figures and its pairs."""
    target = corpus.with_name("pairs.npy")
    code = "import sys; from benchmarks import dedup; dedup.turn(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, name, str(corpus), str(target)],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures, {(int(i), int(j)) for i, j in np.load(target)}


def measure(rounds: int, count: int) -> tuple[int, dict[str, list[dict[str, float]]]]:
    """How many pairs there are, and each contestant's figures, round after round."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "texts.json"
        corpus.write_text(json.dumps(texts(count, SEED)), encoding="utf-8")
        figures, truth = one_turn("exact", corpus)
        rows["exact"] = [figures | {"recall": 1.0, "precision": 1.0}]
        for _ in range(rounds):
            for name in CONTESTANTS:
                figures, found = one_turn(name, corpus)
                right = len(found & truth)
                rows[name].append(
                    figures
                    | {"recall": right / len(truth), "precision": right / max(len(found), 1)}
                )
    return len(truth), rows


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--count", type=int, default=COUNT)
    options = parser.parse_known_args()[0]
    truth, rows = measure(options.rounds, options.count)
    print(f"{options.count} conversations, {truth} pairs, medians of {options.rounds} rounds")
    print(
        f"{'':<14}{'wall s':>9}{'CPU s':>9}{'CPU/ours':>10}{'peak MB':>9}{'recall':>9}{'prec.':>9}"
    )
    ours = statistics.median(row["cpu"] for row in rows["ours"])
    for name, found in rows.items():
        one = {key: statistics.median(row[key] for row in found) for key in found[0]}
        print(
            f"{name:<14}{one['seconds']:>9.1f}{one['cpu']:>9.1f}{one['cpu'] / ours:>9.1f}"
            f"{one['peak_mb']:>9.0f}{one['recall']:>9.4f}{one['precision']:>9.4f}"
        )


if __name__ == "__main__":
    main()
