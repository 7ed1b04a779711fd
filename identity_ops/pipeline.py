"""One run of the chain: each method is a stage, a DAG task calls exactly one.

A method resolves its inputs from what the run has committed, names the result folder after all
that decides the result, and leaves `runs/<run_id>/<stage>` pointing there. So a retry, a second
trigger and another run with the same settings find the work done. Stage modules are imported
where they are used: a task pays for the imports of its own stage only.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from identity_ops import tracking
from identity_ops.conf_files import ConfFiles
from identity_ops.config import RunConfig
from identity_ops.run_results import Ref, RunResults, digest_of
from identity_ops.run_teacher import RunTeacher, require_checked
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from identity_ops.store.publish import point, write_atomic
from identity_ops.store.sources import own_code
from identity_ops.teachers.access import FindAccess, from_environment

if TYPE_CHECKING:
    from identity_ops.recipes import Rules
    from identity_ops.teachers.base import Teacher
    from identity_ops.trainer import TrainSettings

OnLine = Callable[[str], None]


class Run(RunResults):
    """The stages of one run.

    Args:
        run_id: the DAG run's id.
        conf: its parameters, checked here again.
        home: the state folder.
        find_access: asked by the stages that need the teacher, when they need it.
    """

    def __init__(
        self, run_id: str, conf: Mapping[str, Any], home: Home | None = None, *,
        find_access: FindAccess = from_environment,
    ) -> None:  # fmt: skip
        self.config = RunConfig.parse(conf)
        super().__init__(run_id, home or Home.from_env(), self.config.force)
        self.files = ConfFiles(self.config, self.home)
        self.find_access = find_access

    def lint(self) -> Ref:
        """Check the knowledge base and write its fact ledger; nothing is spent before this."""
        from identity_ops.knowledge.stage import lint_stage

        source = self.files.knowledge
        self.files.check()
        self._rules()
        if tracking.trains_here():
            tracking.require(self.config.track)
        write_atomic(
            self.folder / "run.json",
            json.dumps({"run_id": self.run_id, "conf": self.config.model_dump()}, indent=2) + "\n",
        )
        self.depot.share(self.folder / "run.json")
        key = {"sha256": manifests.file_hash(source), "code": own_code()}
        return self._stage("lint", key, {}, lambda out, force: lint_stage(source, out, force=force))

    def plan(self) -> Ref:
        """Draw the cells and the probes; find what would stop the teacher before it is asked."""
        from identity_ops.plan import plan_stage

        config = self.config
        key = {
            "num": config.num_conversations, "seed": config.seed, "batch": config.batch_size,
            "catalogue": manifests.file_hash(self.files.catalogue), "code": own_code(),
        }  # fmt: skip
        inputs, focus = {"lint": self._digest("lint")}, self.focus()
        if focus:
            key, inputs = key | {"part": self.part}, inputs | {"focus": digest_of(focus)}
        self._probes()
        ref = self._stage(
            "plan", key, inputs,
            lambda out, force: plan_stage(
                self.path("lint"), out, num=config.num_conversations, seed=config.seed,
                batch_size=config.batch_size, catalogue=self.files.catalogue, focus=focus,
                part=self.part, force=force,
            ),
        )  # fmt: skip
        self._check_teacher()
        return ref

    def generate(self, batch: int) -> Ref:
        """Have the teacher write one batch."""
        from identity_ops.generate.drive import Shared
        from identity_ops.generate.progress import ProgressLog
        from identity_ops.generate.stage import generate_stage

        settings = self._teacher.share()
        with (
            self._teacher.made(settings, self.path("lint")) as client,
            self._teacher.turn(batch),
        ):
            return self._stage(
                f"generate/{batch:04d}", {"batch": batch} | self._teacher_key(client),
                self._plan_inputs(),
                lambda out, force: generate_stage(
                    self.path("lint"), self.path("plan"), out, batch=batch, teacher=settings,
                    home=self.home, shared=Shared(client=client), force=force,
                    on_progress=ProgressLog(settings.max_cost_usd),
                ),
            )  # fmt: skip

    def refill(self) -> Ref:
        """Remove duplicates over all batches and top up to exactly N."""
        from identity_ops.generate.drive import Shared
        from identity_ops.generate.progress import ProgressLog
        from identity_ops.generate.refill import refill_stage

        batches = [self.path(f"generate/{batch:04d}") for batch in range(self.config.batches)]
        inputs = self._plan_inputs() | {
            f"batch-{n:04d}": digest_of(path) for n, path in enumerate(batches)
        }
        inputs |= {f"previous-{n}": digest_of(path) for n, path in enumerate(self.earlier())}
        num, settings = self.config.num_conversations, self._teacher.share()
        with self._teacher.made(settings, self.path("lint")) as client, self._teacher.turn(0):
            return self._stage(
                "refill", {"num": num} | self._teacher_key(client), inputs,
                lambda out, force: refill_stage(
                    self.path("lint"), self.path("plan"), batches, out, num=num,
                    teacher=settings, home=self.home, shared=Shared(client=client), force=force,
                    previous=self.earlier(), on_progress=ProgressLog(settings.max_cost_usd),
                ),
            )  # fmt: skip

    def curate(self) -> Ref:
        """Validate, ground, deduplicate; Parquet and JSONL with coverage."""
        from identity_ops.curate.stage import curate_stage, require_enough

        num, sources = self.wanted(), [*self.earlier(), self.path("refill")]
        inputs = {"lint": self._digest("lint"), "refill": self._digest("refill")}
        inputs |= {f"previous-{n}": digest_of(path) for n, path in enumerate(self.earlier())}
        judge = self._teacher.judge(self._left_usd())
        key = {"num": num, "code": own_code()} | ({"judge": judge.identity()} if judge else {})
        ref = self._stage(
            "curate", key, inputs,
            lambda out, force: curate_stage(
                self.path("lint"), sources, out, num=num, plan_dirs=self.plans(), judge=judge,
                force=force,
            ),
        )  # fmt: skip
        require_enough(self.manifest("curate"))
        return ref

    def approve_text(self) -> str:
        """What a person reads before training: how much, what was rejected, and samples."""
        from identity_ops.summary import approval

        self.depot.gather(self.folder)
        return approval(self.folder)

    def base(self, on_line: OnLine | None = None) -> Ref:
        """Resolve or pretrain the base model."""
        from identity_ops.trainer import base_key, base_stage

        tracking.require(self.config.track)
        spec, template = self.files.base_spec(), self.files.own("chat_template")
        return self._stage(
            "base", base_key(spec, template), {},
            lambda out, force: base_stage(
                spec, out, chat_template=template, on_line=on_line, force=force
            ),
        )  # fmt: skip

    def mix(self) -> Ref:
        """Mix identity with general chat."""
        from identity_ops.mix import mix_stage
        from identity_ops.trainer import recipe_for

        config = self.config
        general = self.files.general_specs()
        recipe = recipe_for(self.files.base_spec()).sft
        share = config.identity_share or recipe.identity_share
        passes = math.ceil(config.epochs or recipe.epochs)
        key = {
            "general": general, "share": share, "seed": config.seed, "passes": passes,
            "code": own_code(),
        }  # fmt: skip
        inputs = {name: self._digest(name) for name in ("lint", "curate", "base", "probes")}
        return self._stage(
            "mix", key, inputs,
            lambda out, force: mix_stage(
                self.path("curate"), self.path("base"), out, general=general,
                identity_share=share, probes_dir=self.path("probes"),
                lint_dir=self.path("lint"), seed=config.seed, passes=passes, force=force,
            ),
        )  # fmt: skip

    def train(self, on_line: OnLine | None = None) -> Ref:
        """Fine-tune the base on the mixture with DeepSpeed."""
        from identity_ops.report.run import UNDER_WAY
        from identity_ops.trainer import train_key, train_stage

        settings = self.train_settings()

        def make(out: Path, force: bool) -> Manifest:
            point(self.folder / UNDER_WAY, out)  # the report shows how far it is
            return train_stage(
                self.path("mix"), self.path("base"), out, settings=settings, on_line=on_line,
                force=force,
            )  # fmt: skip

        inputs = {name: self._digest(name) for name in ("mix", "base")}
        return self._stage("train", train_key(settings), inputs, make)

    def train_settings(self) -> TrainSettings:
        """How `train` trains; raises ConfigError for what cannot work."""
        from identity_ops.trainer import TrainSettings

        config = self.config
        return TrainSettings.resolve(
            self.files.base_spec(), epochs=config.epochs, learning_rate=config.learning_rate,
            zero_stage=config.zero_stage, num_processes=config.num_processes, seed=config.seed,
            track=config.track, offload=config.offload, hosts=self.files.own("hostfile"),
        )  # fmt: skip

    def evaluate(self, on_line: OnLine | None = None) -> Ref:
        """Measure; where the gate is not met and `rounds` allows it, teach what failed and train
        again (see `rounds.py`)."""
        from identity_ops.evaluate import load_scores
        from identity_ops.gate import verdict_of
        from identity_ops.rounds import improve

        rules = self._rules()
        if self.config.rounds > 1:  # what further rounds may spend depends on all batches
            self.depot.gather(self.folder)
        if self.config.control:
            self.control(on_line)
        ref = self.measure()
        improve(self, lambda found: verdict_of(load_scores(found), rules)["passed"], on_line)
        return ref

    def measure(self) -> Ref:
        """Ask base and trained model the same held-out probes."""
        from identity_ops.evaluate import evaluate_stage

        names, draws = ["lint", "probes", "base", "train", "mix"], self.config.samples
        names += ["control"] if self.config.control else []
        return self._stage(
            "evaluate", {"code": own_code(), "draws": draws},
            {name: self._digest(name) for name in names},
            lambda out, force: evaluate_stage(
                self.path("train"), self.path("base"), self.path("probes"), self.path("lint"),
                out, mix_dir=self.path("mix"), draws=draws, force=force,
                control_dir=self.path("control") if self.config.control else None,
            ),
        )  # fmt: skip

    def control(self, on_line: OnLine | None = None) -> Ref:
        """Train a second model alike, without the identity rows: see control.py."""
        from identity_ops.control import CONTROL, control_settings, control_stage
        from identity_ops.trainer import train_key, train_stage

        whole, settings = self.path("mix"), control_settings(self.train_settings())
        self._stage(
            "control_mix", CONTROL, {"mix": self._digest("mix")},
            lambda out, force: control_stage(whole, out, force=force),
        )  # fmt: skip
        return self._stage(
            "control", train_key(settings),
            {"mix": self._digest("control_mix"), "base": self._digest("base")},
            lambda out, force: train_stage(
                self.path("control_mix"), self.path("base"), out, settings=settings,
                on_line=on_line, force=force,
            ),
        )  # fmt: skip

    def gate(self) -> Ref:
        """Decide whether the model may be published; commits the verdict before it fails."""
        from identity_ops.gate import gate_stage, require_pass
        from identity_ops.report import write_report
        from identity_ops.report.run import RunFolder

        self.depot.gather(self.folder)
        rules, judged = self._rules(), RunFolder(self.folder).path("evaluate")
        ref = self._stage(
            "gate", {"rules": rules.model_dump(), "code": own_code()},
            {"evaluate": digest_of(judged)},
            lambda out, force: gate_stage(judged, out, rules=rules, force=force),
        )  # fmt: skip
        self.depot.share(report := write_report(self.folder))
        self.depot.share(report.with_suffix(".json"))
        require_pass(self.manifest("gate"))
        return ref

    def publish(self) -> Ref:
        """Publish an immutable version of the model with its lineage."""
        from identity_ops.publish import publish_run
        from identity_ops.report.run import RunFolder

        name = self.config.publish_as or self.manifest("lint").figures["name"]
        self.depot.gather(self.folder)
        self.depot.complete(RunFolder(self.folder).path("train"))
        self.depot.fetch_models(name)
        folder = publish_run(self.folder, self.home, name=name)
        self.depot.publish(folder)
        self.depot.point(self.folder / "publish", folder)
        return {
            "manifest": str(folder / manifests.FILE_NAME),
            "digest": manifests.load(folder, verify=False).digest,
            "counts": {},
        }

    def focus(self) -> Path | None:
        """The evaluation whose failures the plan is for; a run's first plan has none."""
        return None

    @property
    def part(self) -> int:
        """Number of this plan among those whose conversations are curated together."""
        return 0

    def earlier(self) -> list[Path]:
        """The final sets of earlier rounds."""
        return []

    def plans(self) -> list[Path]:
        """The plans of all that is curated together."""
        return [self.path("plan")]

    def wanted(self) -> int:
        """Conversations to curate, those of earlier rounds included."""
        return self.config.num_conversations

    def _probes(self) -> None:
        from identity_ops.probes.stage import probes_stage

        extra = self.files.own("probes")
        key = {"extra": manifests.file_hash(extra) if extra else "", "code": own_code()}
        self._stage(
            "probes", key, {"lint": self._digest("lint")},
            lambda out, force: probes_stage(self.path("lint"), out, seed=0, extra=extra,
                                            force=force),
        )  # fmt: skip

    def _rules(self) -> Rules:
        """The run's rules file, else the recipe's gate; with the run's own bound if it has one."""
        from identity_ops.gate import read_rules
        from identity_ops.trainer import recipe_for

        own, least = self.files.own("rules"), self.config.min_name_accuracy
        rules = read_rules(own) if own else recipe_for(self.files.base_spec()).gate
        return rules if least is None else rules.model_copy(update={"min_name_accuracy": least})

    def _check_teacher(self) -> None:
        """Find a bad key, an empty account or too small a cap before any task is mapped."""
        from identity_ops.generate.forecast import check_teacher
        from identity_ops.knowledge import read_knowledge

        settings = self._teacher.settings()
        if judge := self._teacher.judge(self.config.max_cost_usd):
            judge.check(read_knowledge(self.path("lint")))
        with self._teacher.made(settings, self.path("lint")) as client:
            said = check_teacher(self.path("lint"), self.path("plan"), settings, client=client)
            address = client.identity().get("base_url")
        text = json.dumps(dataclasses.asdict(said) | {"base_url": address}, indent=2) + "\n"
        write_atomic(self.folder / "forecast.json", text)
        self.depot.share(self.folder / "forecast.json")

    @functools.cached_property
    def _teacher(self) -> RunTeacher:
        return RunTeacher(
            self.config, self.home, self.find_access, self.files.own("prompt_file")
        )  # fmt: skip

    def _left_usd(self) -> float | None:
        """What generation has left of the cap, US dollars."""
        cap = self.config.max_cost_usd
        if cap is None:
            return None
        made = [f"generate/{batch:04d}" for batch in range(self.config.batches)]
        spent = sum(self.manifest(stage).cost_usd for stage in [*made, "refill"])
        return max(0.0, cap - spent)

    def _teacher_key(self, teacher: Teacher) -> dict[str, Any]:
        """What of the teacher decides its answers; where they are free, also our checks' code."""
        self.depot.fetch(path := self.folder / "forecast.json")
        require_checked(path, teacher)
        key = teacher.identity() | {"ascii": self.config.ascii}
        return key | {"code": own_code()} if teacher.free else key

    def _plan_inputs(self) -> dict[str, str]:
        return {"lint": self._digest("lint"), "plan": self._digest("plan")}
