"""The command line: each module of this package registers the commands of one topic."""

from __future__ import annotations

import importlib
import logging
import sys

import typer

from identity_ops.cli.output import fail
from identity_ops.errors import IdentityError, UsageError
from identity_ops.store import disk

TOPICS = (
    "init",
    "knowledge",
    "generate",
    "data",
    "judge",
    "train",
    "sweep",
    "evaluate",
    "models",
    "chat",
    "serve",
    "runs",
    "doctor",
)


def build() -> typer.Typer:
    """The app with every command."""
    app = typer.Typer(
        help="Teach a language model who it is, and measure whether it took.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for topic in TOPICS:
        importlib.import_module(f"identity_ops.cli.{topic}").register(app)
    return app


def main() -> None:
    """Run the command line; expected errors end with a message and exit code 1 or 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        build()()
    except IdentityError as error:
        fail(error)
    except (FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        fail(_refused(error))
    except Exception as error:  # of the many classes in which libraries report a full disk
        if full := disk.told(error):
            fail(full)
        raise


def _refused(error: OSError) -> UsageError:
    """A path that cannot be used as the command needs it."""
    why = (error.strerror or "no use").lower()
    return UsageError(
        f"the path cannot be used: {why}", where=error.filename2 or error.filename,
        todo="Choose another path, or change who may use this one.",
    )  # fmt: skip
