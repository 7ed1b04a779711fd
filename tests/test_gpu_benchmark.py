"""The GPU benchmark counts FLOPs as it says, knows devices by name, and runs without one."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from benchmarks import gpu
from benchmarks.gpu import SHAPES, flops, make_batch, sheet_peak


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H200", 989e12), ("NVIDIA H100 80GB HBM3", 989e12), ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-80GB", 312e12), ("NVIDIA GeForce RTX 4090", 165.2e12),
        ("NVIDIA L40S", 362e12), ("NVIDIA L4", 121e12), ("Tesla T4", None),
    ],
)  # fmt: skip
def test_a_device_has_its_maker_s_peak(name: str, peak: float | None) -> None:
    """By the names that drivers report; one that is not in the table has none."""
    assert sheet_peak(name) == peak


def test_flops_are_those_of_the_maths() -> None:
    """Six a weight and token, and twelve a channel for each pair that sees each other."""
    model = nn.Sequential(nn.Embedding(100, 4), nn.Linear(4, 5, bias=False))
    shape = gpu.Shape(lambda _: model, 2, 8, channels=4, windows=(8, 1), talk=4)
    # Two conversations of 4 a row: 1 + 2 + 3 + 4 pairs each; in a window of 1, 1 + 2 + 2 + 2.
    assert flops(model, shape, 2) == 2 * (6 * 20 * 8 + 12 * 4 * 2 * (10 + 7))


def test_shapes_are_those_of_their_names() -> None:
    """nanochat's d12 and d20 and half a billion weights, counted without making them."""
    with torch.device("meta"):
        weights = {
            name: sum(
                weight.numel() for weight in SHAPES[name]().build(torch.bfloat16).parameters()
            )
            for name in ("llama-0.5b",)
        }
    assert weights["llama-0.5b"] == pytest.approx(0.494e9, rel=0.01)
    assert (SHAPES["d12"]().channels, SHAPES["d20"]().channels) == (768, 1280)
    assert SHAPES["d20"]().windows[:5] == (512, 512, 512, 2048, 512)


def test_every_position_has_a_target_and_a_conversation() -> None:
    """So tokens a second are all supervised ones."""
    shape = SHAPES["toy"]()
    batch = make_batch(shape, 2, torch.device("cpu"))
    assert batch.ids.shape == batch.documents.shape == (2, shape.length)
    assert len(batch.select) == len(batch.targets) == 2 * shape.length


@pytest.mark.long
@pytest.mark.skipif(torch.cuda.is_available(), reason="there it measures the real shapes")
def test_it_runs_without_a_gpu() -> None:
    """The toy shape through DeepSpeed, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "gpu"], capture_output=True, text=True, check=True
    )
    table = done.stdout.splitlines()
    assert "measured matmul" in table[-3]
    name, _, rows, speed, *_ = table[-1].split()
    assert (name, rows) == ("toy", "2")
    assert float(speed.replace(",", "")) > 0
