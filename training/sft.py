"""Fine-tune a base on a mixture with DeepSpeed ZeRO, on CPUs or GPUs, by the same command:

    python -m torch.distributed.run --nproc-per-node 1 -m training.sft \\
        --mixture DIR --base DIR --out DIR [--recipe tiny] [--zero-stage 2] [--set epochs=3]

Covers the loop: exact weighting by token over ranks and accumulation, losses by source, a stop
before the optimizer step when the loss is not finite, snapshots, resuming, saving on SIGTERM.
Every random choice follows from seed and step, so a resumed run repeats an undisturbed one.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from identity_ops import zero
from identity_ops.errors import ConfigError, DataError, TrainingError, TransientError
from identity_ops.recipes import Recipe, override, read
from identity_ops.store import manifest as manifests
from identity_ops.store.publish import write_atomic
from identity_ops.tracking import TRACKS
from training import best, nanochat_optim, optim, ranks, snapshots
from training.corpus import Corpus
from training.data import (
    SOURCES,
    WHOLE,
    Cutting,
    Encoder,
    collate,
    hide,
    passes_of,
)
from training.family import open_family
from training.packing import Schedule
from training.precision import activation_dtype
from training.sharing import shared_corpus
from training.totals import Totals
from training.track import Tracker, peak_memory, tracker_of
from training.zero import deepspeed_config, split_batch, with_offload

log = logging.getLogger(__name__)
LOG, FIGURES, SNAPSHOTS = "log.jsonl", "figures.json", ".snapshots"
MAX_VALIDATION_ROWS = 256
Line = dict[str, Any]


def main(argv: list[str] | None = None) -> None:
    """Entry point of every rank."""
    parser = argparse.ArgumentParser(prog="training.sft", description="Fine-tune with DeepSpeed.")
    parser.add_argument("--mixture", required=True, type=Path)
    parser.add_argument("--base", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--recipe", default="tiny", help="name or TOML file")
    parser.add_argument("--zero-stage", type=int, default=2, choices=range(4))
    parser.add_argument("--offload", default="none", choices=zero.OFFLOAD, help="to host memory")
    parser.add_argument("--set", action="append", default=[], help="a recipe value: epochs=3")
    parser.add_argument("--track", default="none", choices=TRACKS, help="follow it there, too")
    args = parser.parse_args(argv)
    with ranks.reported_errors():
        ranks.start()
        ranks.catch_stop()
        recipe = override(read(args.recipe), args.set)
        zero.check(recipe, args.zero_stage, args.offload)
        recipe = with_offload(recipe, args.offload)
        tracker = tracker_of(args.track, args.out, recipe.model_dump(mode="json"))
        with ranks.alone(args.out), tracker:
            ranks.join()
            Trainer(recipe, args.zero_stage, args.mixture, args.base, args.out, tracker).run()
            dist.destroy_process_group()


class Trainer:
    """One fine-tuning, as one rank sees it."""

    def __init__(
        self, recipe: Recipe, stage: int, mixture: Path, base: Path, out: Path, tracker: Tracker
    ) -> None:
        self.tracker, self.memory_gb = tracker, list[float]()
        self.recipe, self.sft, self.stage, self.out = recipe, recipe.sft, stage, out
        self.rank, self.world = dist.get_rank(), dist.get_world_size()
        self.family = open_family(base, recipe)
        self.micro, self.accumulation = split_batch(self.sft, self.world)
        self.capacity = min(self.sft.row_tokens, self.family.context)
        data = mixture / "train.parquet"
        cutting = Cutting(self.sft.cut_words, passes_of(data), self.sft.seed)
        self.train = self._load(data, cutting)
        if not self.train.count(0) and not self.sft.control:
            raise DataError(
                "the mixture holds no identity conversation", where=mixture,
                todo="Mix some in, or set control = true to train a control.",
            )  # fmt: skip
        self.validation = self._load(mixture / "val.parquet")
        self.schedule = Schedule(
            self.train.lengths, self.capacity, self.sft.batch_rows, self.sft.epochs, self.sft.seed,
            self.train.parts,
        )  # fmt: skip
        self.snapshots = out / SNAPSHOTS
        self.key = self._key(data)
        self.step, self.seconds, self.tokens = 0, 0.0, 0
        self.start_losses: dict[str, float | None] = {}
        self.best: dict[str, float] | None = None  # step and loss of what lies in best/
        self.resume_from = self._agree_on_snapshot()
        self.dtype = self._dtype(self.family.width)
        self.engine = self._engine()

    def _load(self, path: Path, cutting: Cutting = WHOLE) -> Corpus:
        encode = Encoder(self.family.format, self.capacity, cutting)
        return shared_corpus(path, encode, self.sft.max_left_out, self.out)

    def _key(self, data: Path) -> str:
        """Hash of all that the steps depend on, for snapshots of this training alone.

        Not of the number of processes: on another one it goes on to the same curve.
        """
        settings = self.recipe.model_dump(mode="json", exclude={"pretrain"}, exclude_none=True)
        del settings["sft"]["checkpoint_seconds"]
        files = [manifests.file_hash(path) for path in (data, *self.family.weights)]
        return manifests.canonical_hash([settings, self.stage, files])

    def _agree_on_snapshot(self) -> Path | None:
        """Rank 0 verifies; the others follow.

        Raises:
            ConfigError: the folder's snapshots are of another training.
        """
        name = [None if self.rank else snapshots.newest(self.snapshots)]
        if name[0] and snapshots.verify(name[0])["key"] != self.key:
            raise ConfigError(
                "the folder holds checkpoints of a training with other settings or data",
                where=self.snapshots, todo="Choose another folder, or delete these checkpoints.",
            )  # fmt: skip
        dist.broadcast_object_list(name, src=0)
        return name[0]

    def _dtype(self, width: int) -> torch.dtype:
        """Measured by rank 0 once: a resumed run goes on as it began."""
        names: list[Any] = [None]
        if self.rank == 0:
            stored = snapshots.verify(self.resume_from)["dtype"] if self.resume_from else None
            names = [stored or str(activation_dtype(self.sft.precision, width)).split(".")[1]]
        dist.broadcast_object_list(names, src=0)
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[names[0]]

    def _engine(self) -> Any:
        import deepspeed  # see ranks.join

        model = self.family.model(self.dtype)
        groups = self.family.groups(model)
        optimizer = nanochat_optim.optimizer_of(groups, self.recipe)
        config = deepspeed_config(self.recipe, self.stage, self.micro, self.accumulation)
        engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=config)
        return engine

    def run(self) -> None:
        """Train to the end, from the newest snapshot where there is one; export the model."""
        self._begin()
        progress = ranks.Progress("train", self.schedule.steps, self.step)
        saved = time.monotonic()
        while self.step < self.schedule.steps:
            line = self._train_step()
            self._note(line, progress)
            stop, due = self._agree(time.monotonic() - saved >= self.sft.checkpoint_seconds)
            if best.is_due(self.step, self.schedule.steps, self.sft.validations):
                self._look_for_best()
            if stop or due:  # after the last step too: an export can fail, or be cut short
                written = self._save()
                saved = time.monotonic()
            if stop:
                raise TransientError(
                    f"stopped on request after step {self.step}, "
                    f"{'checkpoint saved' if written else 'no checkpoint could be saved'}",
                    where=self.out, todo="Run it again to go on.",
                )  # fmt: skip
        self._finish()

    def _begin(self) -> None:
        log_file = self.out / LOG
        if self.resume_from:
            state = snapshots.load(self.engine, self.resume_from)
            self.step, self.seconds, self.tokens = state["step"], state["seconds"], state["tokens"]
            self.start_losses, self.best = state["start_losses"], state["best"]
            self._say(f"resuming after step {self.step}")
        else:
            self.start_losses = self._validate()
        if self.rank == 0:
            lines = log_file.read_text().splitlines()[: self.step] if log_file.exists() else []
            write_atomic(log_file, "".join(f"{line}\n" for line in lines))
            if not self.resume_from:
                self._track_validation(self.start_losses)
        counts = ", ".join(f"{self.train.count(n)} {name}" for n, name in enumerate(SOURCES))
        self._say(
            f"{counts} conversations in {self.schedule.rows} rows of {self.capacity}, "
            f"{self.schedule.fill:.1%} full; {self.schedule.steps} steps, ZeRO {self.stage}, "
            f"{self.world} processes, {str(self.dtype).split('.')[1]}"
        )

    def _train_step(self) -> Line:
        started = time.monotonic()
        rate = self._set_rate()
        rows = self.schedule.rows_of(self.step)
        supervised = sum(self.train.supervised[index] for row in rows for index in row)
        totals, tokens, hidden = Totals.zeros(), 0, self._draw_hidden()
        for part in range(self.accumulation):
            first = (part * self.world + self.rank) * self.micro
            mine = rows[first : first + self.micro]
            batch = collate(self.train, mine, self.capacity)
            if self.family.format.blank is not None:
                batch = hide(batch, hidden[first:], self.family.format.blank)
            batch = batch.to(self.engine.device)
            losses = self.family.losses(self.engine, batch)
            totals.add(losses, batch.sources)
            # DeepSpeed averages over ranks and accumulation; this makes it the mean by token.
            self.engine.backward(losses.sum() * (self.world * self.accumulation / supervised))
            tokens += batch.tokens
            if part + 1 == self.accumulation:
                tokens = self._reduce(totals, tokens)
                self._require_finite(totals, rows)
            self.engine.step()
        self.step += 1
        self._require_finite_gradient()
        took = time.monotonic() - started
        self.seconds, self.tokens = self.seconds + took, self.tokens + tokens
        return {
            "step": self.step, "steps": self.schedule.steps,
            "epoch": round(self.schedule.epoch_of(self.step - 1), 4),
            **totals.means(), "lr": rate, "tokens": tokens,
            "tokens_per_s": round(tokens / took, 1), "seconds": round(self.seconds, 3),
            "seconds_left": round(self.seconds / self.step * (self.schedule.steps - self.step), 1),
            "memory_gb": self.memory_gb,
        }  # fmt: skip

    def _draw_hidden(self) -> Tensor:
        """(batch_rows, T): where words may be hidden in this step, for any number of ranks."""
        draw = torch.Generator().manual_seed(self.sft.seed * 1_000_003 + self.step)
        places = torch.rand(self.sft.batch_rows, self.capacity, generator=draw)
        return places < self.sft.hidden_words

    def _set_rate(self) -> float:
        factor = optim.rate_factor(
            self.step, self.schedule.steps, self.sft.warmup_steps, self.sft.decay_share
        )
        nanochat_optim.set_rates(self.engine.optimizer.param_groups, factor, self.step)
        return factor * self.sft.learning_rate

    def _reduce(self, totals: Totals, tokens: int) -> int:
        """Add up the totals over all ranks; returns the tokens of all. Notes each rank's memory."""
        memory = torch.zeros(self.world, dtype=torch.float64)
        memory[self.rank] = peak_memory() / 1e9
        packed = torch.cat((totals.losses, totals.counts, torch.tensor([float(tokens)]), memory))
        packed = self._all_reduce(packed.double())
        self.memory_gb = [round(peak, 3) for peak in packed[5:].tolist()]
        totals.losses, totals.counts = packed[:2], packed[2:4]
        return int(packed[4])

    def _all_reduce(self, values: Tensor) -> Tensor:
        moved = values.to(self.engine.device)
        dist.all_reduce(moved)
        return moved.cpu()

    def _require_finite(self, totals: Totals, rows: list[list[int]]) -> None:
        """All ranks see the same sum, so all of them stop."""
        if torch.isfinite(totals.losses).all():
            return
        names = [self.train.names[index] for row in rows for index in row]
        raise TrainingError(
            "the loss is not finite, the optimizer step was not taken",
            where=f"step {self.step + 1} of {self.schedule.steps}",
            got=f"{totals.losses.sum().item()} on a batch of {len(names)}: {', '.join(names[:8])}",
            todo="Lower learning_rate, or look at these conversations.",
        )

    def _require_finite_gradient(self) -> None:
        """Known only with the step: it is the last, and nothing of it is kept."""
        norm = self.engine.get_global_grad_norm()
        if norm is not None and not torch.isfinite(torch.as_tensor(norm)):
            raise TrainingError(
                "the gradient is not finite, nothing is saved",
                where=f"step {self.step} of {self.schedule.steps}", todo="Lower learning_rate.",
            )  # fmt: skip

    def _agree(self, due: bool) -> tuple[bool, bool]:
        """Whether anyone was asked to stop, and whether rank 0 finds a snapshot due."""
        wishes = [float(ranks.stopping.is_set()), float(due and self.rank == 0)]
        stop, save = self._all_reduce(torch.tensor(wishes, dtype=torch.float64)).tolist()
        return bool(stop), bool(save)

    def _save(self) -> bool:
        """Write a snapshot; whether that worked."""
        why = snapshots.save(self.engine, self.snapshots, self.step, {
            "step": self.step, "key": self.key, "seconds": self.seconds, "tokens": self.tokens,
            "start_losses": self.start_losses, "dtype": str(self.dtype).split(".")[1],
            "world": self.world, "best": self.best,
        })  # fmt: skip
        if why:
            left = [int(path.name.removeprefix("step-")) for path in self.snapshots.glob("step-*")]
            self._say(
                f"no checkpoint of step {self.step}: {why}; "
                f"{f'that of step {max(left)} stays' if left else 'there is none'}"
            )
        return why is None

    def _note(self, line: Line, progress: ranks.Progress) -> None:
        if self.rank:
            return
        with (self.out / LOG).open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")
        self.tracker.note(self.step, line)
        parts = [f"loss {line['loss']:.3f}"]
        parts += [f"{n} {line[f'{n}_loss']:.3f}" for n in SOURCES if line[f"{n}_loss"] is not None]
        progress.show(self.step, "  ".join(parts), line["tokens"])

    def _validate(self) -> dict[str, float | None]:
        """Losses on the validation rows; every rank runs as many batches, as ZeRO 3 needs."""
        if not self.validation.names:
            return {}
        rows = Schedule(self.validation.lengths, self.capacity, 1, 1, self.sft.seed)
        count = min(rows.steps, MAX_VALIDATION_ROWS)
        totals = Totals.zeros()
        self.engine.eval()
        with torch.no_grad():
            for first in range(0, count, self.world * self.micro):
                wanted = range(
                    first + self.rank, min(count, first + self.world * self.micro), self.world
                )
                mine = [rows.rows_of(index)[0] for index in wanted]
                batch = collate(self.validation, mine or rows.rows_of(0), self.capacity)
                batch = batch.to(self.engine.device)
                losses = self.family.losses(self.engine, batch)
                if mine:
                    totals.add(losses, batch.sources)
        self.engine.train()
        self._reduce(totals, 0)
        return totals.means()

    def _track_validation(self, losses: dict[str, float | None]) -> None:
        self.tracker.note(self.step, {f"val_{name}": loss for name, loss in losses.items()})

    def _look_for_best(self) -> None:
        losses = self._validate()
        self._track_validation(losses)
        loss = losses.get("loss")
        if loss is None or (self.best and loss >= self.best["loss"]):
            return
        why = best.keep(self.out, self._export)
        if why:
            self._say(f"the best model so far, of step {self.step}, could not be kept: {why}")
        failed = self._all_reduce(torch.tensor([float(why is not None)]))
        if not failed.any():
            self.best = {"step": self.step, "loss": loss}

    def _export(self, out: Path) -> list[str]:
        about = {"recipe": self.recipe.model_dump(mode="json"), "zero_stage": self.stage}
        return self.family.save(self.engine, out, self.step, about)

    def _finish(self) -> None:
        """Export the model with its figures; the manifest of the stage lists what is named here."""
        end_losses = self._validate()
        step, last = self.schedule.steps, end_losses.get("loss")
        files = self._export(self.out)
        if self.rank:
            return
        self._track_validation(end_losses)
        if self.best and last is not None and self.best["loss"] < last:
            files += best.files(self.out)
        else:
            self.best = None
            best.drop(self.out)
        write_atomic(self.out / FIGURES, json.dumps({
            "files": [*files, LOG], "steps": step, "tokens": self.tokens,
            "seconds": round(self.seconds, 2),
            "tokens_per_s": round(self.tokens / max(self.seconds, 1e-9), 1),
            "rows": self.schedule.rows, "fill": round(self.schedule.fill, 4),
            "conversations": {name: self.train.count(n) for n, name in enumerate(SOURCES)},
            "left_out": {why: len(names) for why, names in self.train.left_out.items()},
            "val_before": self.start_losses, "val_after": end_losses, "best": self.best,
            "precision": str(self.dtype).split(".")[1], "zero_stage": self.stage,
            "num_processes": self.world, "memory_gb": self.memory_gb,
            "memory_of": "GPU" if torch.cuda.is_available() else "process",
        }, indent=2) + "\n")  # fmt: skip

    def _say(self, text: str) -> None:
        if self.rank == 0:
            print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    main()
    ranks.leave()
