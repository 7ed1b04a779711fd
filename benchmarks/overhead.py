"""What does Airflow cost? The chain through it against the chain by the command line.

    IDENTITY_HOME=/tmp/overhead python -m benchmarks overhead

Three figures, with Airflow already up and the base cached: the wall time of the embedded run
through the DAG against the same stages by `identity-ops` one after the other, in alternation; the
share of slot-seconds that have a request in flight while 20 mapped batches ask a teacher of 1 s
latency; and the seconds that each DAG file takes to parse once `airflow.sdk` is imported.

IDENTITY_BENCH_CONF (JSON) changes parameters of the runs, for a quicker look.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from identity_ops.conf_files import KNOWLEDGE_FOLDER
from identity_ops.config import RunConfig
from identity_ops.local_airflow.client import Client
from identity_ops.local_airflow.instance import airflow
from identity_ops.store.paths import Home
from identity_ops.trainer import base_folder, recipe_for
from tests.loopback import KEY, Provider, serve

ALTERNATIONS: Final = 3
LATENCY_S: Final = 1.0
BATCHES: Final = {"num_conversations": 1000, "batch_size": 50, "workers": 8}
OVER: Final = ("success", "failed")
PARSE: Final = """
import sys, time
import airflow.sdk
sys.path.append(sys.argv[1])
from airflow.dag_processing.dagbag import DagBag
from pathlib import Path
for path in sorted(Path(sys.argv[2]).glob("*.py")):
    clock = time.perf_counter()
    bag = DagBag(path, bundle_name="dags", safe_mode=False)
    assert not bag.import_errors, bag.import_errors
    print(f"{path.name}: {time.perf_counter() - clock:.2f} s", flush=True)
"""


def main() -> None:
    """Measure and print."""
    home, asked = Home.from_env(), json.loads(os.environ.get("IDENTITY_BENCH_CONF") or "{}")
    base = base_folder("tiny", home)
    with serve() as provider:
        provider.delay_s = LATENCY_S
        os.environ |= {"OPENROUTER_BASE_URL": provider.url, "OPENROUTER_API_KEY": KEY}
        with airflow(home, {}) as instance:
            _report_batches(instance.client, provider)
            _report_chains(instance.client, base, asked)
    _report_parsing()


def _report_chains(client: Client, base: Path, asked: dict[str, Any]) -> None:
    ratios = []
    for seed in range(ALTERNATIONS):
        conf = {**asked, "seed": 1000 + seed}
        ways: list[Callable[[], float]] = [
            lambda conf=conf: by_dag(client, conf), lambda conf=conf: by_commands(base, conf),
        ]  # type: ignore[misc] # fmt: skip
        turned = seed % 2 == 1
        first, second = (way() for way in (reversed(ways) if turned else ways))
        dag, cli = (second, first) if turned else (first, second)
        ratios.append(dag / cli)
        print(f"chain, seed {conf['seed']}: DAG {dag:.1f} s, commands {cli:.1f} s, "
              f"ratio {dag / cli:.2f}", flush=True)  # fmt: skip
    print(f"chain: median ratio {statistics.median(ratios):.2f}", flush=True)


def by_dag(client: Client, conf: dict[str, Any]) -> float:
    """Seconds from the trigger to the end of a run."""
    run_id = f"overhead-{conf['seed']}-{int(time.time())}"
    clock = time.monotonic()
    client.trigger(conf, run_id)
    while client.run_state(run_id) not in OVER:
        time.sleep(0.2)
    seconds = time.monotonic() - clock
    for task in client.tasks(run_id):
        print(f"  {task.task_id} {task.state} {task.seconds or 0:.1f} s")
    return seconds


def by_commands(base: Path, conf: dict[str, Any]) -> float:
    """Seconds of the same stages by the command line."""
    config = RunConfig.parse(conf)
    recipe = recipe_for("tiny").sft
    epochs = config.epochs or recipe.epochs
    knowledge = str(KNOWLEDGE_FOLDER / config.knowledge)
    seed = ("--seed", str(config.seed))
    clock = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made, curated, mixed, model = (str(folder / n) for n in ("made", "curated", "mix", "model"))
        _command("generate", knowledge, "--num", config.num_conversations, "--batch-size",
                 config.batch_size, "--out", made, *seed)  # fmt: skip
        _command("curate", made, "--knowledge", knowledge, "--out", curated)
        _command("mix", "--identity", curated, "--general", "builtin", "--base", base,
                 "--knowledge", knowledge, "--passes", math.ceil(epochs),
                 "--identity-share", config.identity_share or recipe.identity_share,
                 "--out", mixed, *seed)  # fmt: skip
        _command("train", "--mixture", mixed, "--base", base, "--epochs", epochs, "--out", model,
                 *seed)  # fmt: skip
        _command("evaluate", "--model", model, "--knowledge", knowledge, "--baseline", base,
                 "--samples", config.samples, "--out", folder / "evaluated")  # fmt: skip
        return time.monotonic() - clock


def _command(*arguments: object) -> None:
    clock = time.monotonic()
    argv = [sys.executable, "-m", "identity_ops", *map(str, arguments)]
    subprocess.run(argv, check=True, capture_output=True)
    print(f"  {arguments[0]} {time.monotonic() - clock:.1f} s", flush=True)


def _report_batches(client: Client, provider: Provider) -> None:
    run_id = f"overhead-batches-{int(time.time())}"
    client.trigger({**BATCHES, "teacher": "openrouter", "seed": int(time.time())}, run_id)
    while not (tasks := [t for t in client.tasks(run_id) if t.task_id == "generate"]) or any(
        task.state not in (*OVER, "upstream_failed") for task in tasks
    ):
        time.sleep(0.5)
    sent = list(provider.arrivals)
    client.fail(run_id, "seen enough")
    seconds = sent[-1] + LATENCY_S - sent[0]
    share = len(sent) * LATENCY_S / (BATCHES["workers"] * seconds)
    took = [task.seconds or 0.0 for task in tasks]
    print(f"batches: {len(sent)} requests in {seconds:.0f} s, {share:.0%} of slot-seconds busy; "
          f"a task {statistics.mean(took):.1f} s", flush=True)  # fmt: skip


def _report_parsing() -> None:
    root = KNOWLEDGE_FOLDER.parent
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {
            "AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"), "PYTHONPATH": str(root),
        }  # fmt: skip
        argv = [sys.executable, "-c", PARSE, str(root / "plugins"), str(root / "dags")]
        done = subprocess.run(argv, env=env, check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.endswith(" s"):
            print(f"parse {line}", flush=True)


if __name__ == "__main__":
    main()
