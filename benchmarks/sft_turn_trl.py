"""One turn of TRL's SFTTrainer on conversations that are tokens already.

    python -m benchmarks.sft_turn_trl \\
        MODEL TOKENS.jsonl OUT STEPS ROW_TOKENS BATCH_ROWS [NAME=JSON ...]

SFTTrainer as it comes, packing best-fit ("bfd"), fused AdamW; further values of its SFTConfig by
name. Nothing of it is replaced; the clock is put where it fetches the batches of a step.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from benchmarks.sft_turns import Clock


class Timed(SFTTrainer):
    """The trainer, with a clock."""

    clock: Clock

    def get_batch_samples(self, *args: Any, **options: Any) -> Any:
        """The batches of a step and the number of their supervised tokens."""
        batches, tokens = super().get_batch_samples(*args, **options)
        self.clock.begin(int(tokens or 0))
        return batches, tokens


def main() -> None:
    """Train until the clock ends it."""
    model, data, out, steps, length, rows, *changes = sys.argv[1:]
    torch.set_num_threads(1)
    Timed.clock = Clock(int(steps))
    values = {name: json.loads(value) for name, value in (part.split("=", 1) for part in changes)}
    micro = values.pop("rows_at_once", int(rows))
    config = SFTConfig(
        output_dir=out, packing=True, max_length=int(length), use_cpu=True,
        per_device_train_batch_size=micro, gradient_accumulation_steps=int(rows) // micro,
        optim="adamw_torch_fused", report_to="none", save_strategy="no", max_steps=int(steps) + 2,
        num_train_epochs=1000, disable_tqdm=True, **values,
    )  # fmt: skip
    lines = Path(data).read_text().splitlines()
    trainer = Timed(
        model=AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32),
        args=config, train_dataset=Dataset.from_list([json.loads(line) for line in lines]),
        processing_class=AutoTokenizer.from_pretrained(model),
    )  # fmt: skip
    trainer.train()


if __name__ == "__main__":
    main()
