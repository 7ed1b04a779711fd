"""Run the benchmarks: `python -m benchmarks [NAME ...]`; without names, all of them."""

from __future__ import annotations

import argparse
import importlib

NAMES = (
    "forgetting", "client", "decoding", "dedup", "sft_nanochat", "sft_trl", "gpu", "memory",
    "overhead",
)  # fmt: skip


def main() -> None:
    """Run each named benchmark; a benchmark prints what it measured and with what."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=NAMES, help="which to run; default all")
    for name in parser.parse_args().names or NAMES:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
