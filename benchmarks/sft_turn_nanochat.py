"""One turn of nanochat's own scripts/chat_sft.py, with our conversations.

    PYTHONPATH=$NANOCHAT_DIR NANOCHAT_BASE_DIR=BASE \\
        python -m benchmarks.sft_turn_nanochat CONVERSATIONS.jsonl STEPS ROW_TOKENS BATCH_ROWS

The script itself runs, unchanged: its model, compiled as it does, its optimizer, its rendering and
packing, its loss, its loop. Replaced are its three data sets (downloads: every one gives our
conversations), `wandb` where that is not installed (a run named "dummy" never calls it), and its
last evaluation and checkpoint: the clock, a hook on the compiled model, ends the process before.
Its other evaluations are switched off by its own options, and it starts with a fresh optimizer.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import runpy
import sys
import types
from pathlib import Path
from typing import Any

import torch

from benchmarks.sft_turns import Clock


def data_set(conversations: list[dict[str, Any]]) -> Any:
    """A task of nanochat's with these conversations, whatever it is asked for."""
    tasks: Any = importlib.import_module("tasks.common")

    class Given(tasks.Task):  # type: ignore[misc]
        def __init__(self, stop: int | None = None, **_: object) -> None:
            super().__init__(stop=min(stop or len(conversations), len(conversations)))

        def num_examples(self) -> int:
            return len(conversations)

        def get_example(self, index: int) -> dict[str, Any]:
            return conversations[index]

    return Given


def put_clock(clock: Clock) -> None:
    """Mark each call of the model that torch.compile makes; functions are compiled as ever."""
    compiled = torch.compile

    def timed(model: Any = None, **options: Any) -> Any:
        made: Any = compiled(model, **options)
        if isinstance(model, torch.nn.Module):
            made.register_forward_pre_hook(lambda _, call: clock.begin(int((call[1] >= 0).sum())))
        return made

    torch.compile = timed


def main() -> None:
    """Run the script until the clock ends it."""
    path, steps, length, rows = sys.argv[1:]
    conversations = [json.loads(line) for line in Path(path).read_text().splitlines()]
    for name, task in (("smoltalk", "SmolTalk"), ("mmlu", "MMLU"), ("gsm8k", "GSM8K")):
        setattr(importlib.import_module(f"tasks.{name}"), task, data_set(conversations))
    if importlib.util.find_spec("wandb") is None:
        sys.modules["wandb"] = types.ModuleType("wandb")
    torch.set_num_threads(1)
    put_clock(Clock(int(steps)))
    options = {
        "device-type": "cpu", "load-optimizer": 0, "num-iterations": int(steps) + 2,
        "max-seq-len": length, "device-batch-size": rows,
        "total-batch-size": int(length) * int(rows), "eval-every": -1, "chatcore-every": -1,
        "mmlu-epochs": 0, "gsm8k-epochs": 0,
    }  # fmt: skip
    sys.argv = ["chat_sft", *(f"--{name}={value}" for name, value in options.items())]
    runpy.run_module("scripts.chat_sft", run_name="__main__")


if __name__ == "__main__":
    main()
