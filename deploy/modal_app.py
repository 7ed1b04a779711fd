"""Fine-tune on a GPU that Modal rents out by the second: data and base go up, a model comes back.

    .venv/bin/pip install modal && .venv/bin/modal setup
    .venv/bin/modal run deploy/modal_app.py --out my_model \
        --mixture var/runs/RUN/mix --base var/runs/RUN/base

Runs `identity-ops train` and nothing else: no key and no knowledge base leave this machine. A
container that Modal takes away is started again and goes on from its last checkpoint; so does the
same command after a lost connection. What was uploaded stays in the volume `identity-ops` until
`modal volume rm -r identity-ops JOB`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import modal

from identity_ops.store import manifest as manifests

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = "/opt/identity-ops"
STATE: Final = "/state"
GPU: Final = os.environ.get("IDENTITY_MODAL_GPU", "H100")  # H100:2 for two of them
HOURS: Final = 12  # Modal ends a container after 24 at the latest; a retry goes on
PARTS: Final = (
    "identity_ops", "training", "requirements", "pyproject.toml", "README.md", "LICENSE",
)  # fmt: skip


def _build() -> modal.Image:
    """The packages of training/Dockerfile, on Modal's own base."""
    install = f"python -m pip install --no-cache-dir --constraint {SOURCE}/requirements/lock.txt"
    image = modal.Image.debian_slim(python_version="3.11").apt_install("build-essential")
    lock = f"{SOURCE}/requirements/lock.txt"
    image = image.add_local_file(ROOT / "requirements" / "lock.txt", lock, copy=True)
    image = image.run_commands(
        f"{install} setuptools wheel ninja py-cpuinfo torch",
        f"{install} --no-build-isolation deepspeed",
    )
    for part in PARTS:
        add = image.add_local_dir if (ROOT / part).is_dir() else image.add_local_file
        image = add(ROOT / part, f"{SOURCE}/{part}", copy=True)
    return image.run_commands(f'{install} --editable "{SOURCE}[training]"').env(
        {"IDENTITY_HOME": STATE, "PYTHONUNBUFFERED": "1"}
    )


app = modal.App("identity-ops")
image = _build()
volume = modal.Volume.from_name("identity-ops", create_if_missing=True)


@app.function(
    image=image,
    gpu=GPU,
    volumes={STATE: volume},
    timeout=HOURS * 3600,
    retries=modal.Retries(max_retries=3, initial_delay=10.0, backoff_coefficient=1.0),
    max_containers=1,
)
def train(job: str, options: list[str]) -> None:
    """On the rented machine: train into the volume, which Modal commits as it goes and at the end.

    Args:
        job: folder of the volume with `mix` and `base`.
        options: further options of `identity-ops train`.
    """
    fine_tune(Path(STATE) / job, options)


def fine_tune(folder: Path, options: list[str]) -> None:
    """`folder`/mix and `folder`/base in, `folder`/out out; one process for each GPU.

    Raises:
        subprocess.CalledProcessError: the training failed; its message is in the output.
    """
    argv = [sys.executable, "-m", "identity_ops", "train", "--mixture", str(folder / "mix"),
            "--base", str(folder / "base"), "--out", str(folder / "out"), *options]  # fmt: skip
    subprocess.run(argv, check=True)


@app.local_entrypoint()
def main(mixture: str, base: str, out: str, options: str = "") -> None:
    """On your machine.

    Args:
        mixture: a folder that `mix` made, as var/runs/RUN/mix.
        base: a folder that `base` made, as var/runs/RUN/base.
        out: folder for the model; must not hold one.
        options: of `identity-ops train`, in one string, as "--epochs 3 --zero-stage 1".
    """
    given = [*options.split(), "--num-processes", str(gpu_count(GPU))]
    job = job_of(Path(mixture), Path(base), given)
    for name, folder in (("mix", mixture), ("base", base)):
        upload(volume, Path(folder), f"{job}/{name}")
    train.remote(job, given)
    download(volume, f"{job}/out", Path(out))
    print(f"model in {out}")


def gpu_count(gpu: str) -> int:
    """Of a GPU as Modal names it: H100 is one, H100:2 are two."""
    return int(gpu.partition(":")[2] or 1)


def job_of(mixture: Path, base: Path, options: list[str]) -> str:
    """The same inputs and options, the same folder of the volume."""
    digests = [manifests.load(folder).digest for folder in (mixture, base)]
    return manifests.canonical_hash([*digests, options])[:16]


def upload(volume: Any, folder: Path, to: str) -> None:
    """Put a committed result into the volume, its manifest last; not again where it is there."""
    manifest = manifests.load(folder)
    if _holds(volume, to):
        return
    with volume.batch_upload(force=True) as batch:
        for entry in manifest.files:
            batch.put_file(str(folder / entry.path), f"{to}/{entry.path}")
    with volume.batch_upload(force=True) as batch:
        batch.put_file(str(folder / manifests.FILE_NAME), f"{to}/{manifests.FILE_NAME}")


def download(volume: Any, source: str, out: Path) -> None:
    """Fetch a committed result, and check every file against its hash.

    Raises:
        CorruptError: a file did not arrive as it was written.
    """
    out.mkdir(parents=True, exist_ok=True)
    text = b"".join(volume.read_file(f"{source}/{manifests.FILE_NAME}"))
    manifest = manifests.Manifest.model_validate_json(text)
    for entry in manifest.files:
        path = out / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            volume.read_file_into_fileobj(f"{source}/{entry.path}", file)
    manifests.verify_files(out, manifest)
    manifests.save(out, manifest)


def _holds(volume: Any, folder: str) -> bool:
    try:
        names = [Path(entry.path).name for entry in volume.listdir(folder)]
    except modal.exception.NotFoundError:
        return False
    return manifests.FILE_NAME in names
