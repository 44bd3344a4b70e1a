"""The command line's entry point: one line on stderr and exit code 2 for whatever is the user's."""

import logging
import os
import sys

import typer

from xraycore.cli import (  # noqa: F401  (they register)
    ablate,
    audit,
    benchmark,
    evaluate,
    experiment,
    export,
    localise,
    predict,
    randomise,
    segmenter,
    train,
)
from xraycore.cli.app import app
from xraycore.errors import XrayCoreError, log_fault

# typer keeps its own copy of click and gives this class no public name.
_UsageError = typer.BadParameter.__base__


def main(arguments: list[str] | None = None) -> None:
    """Runs one command and exits: 0, or 2 with one line on stderr."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    # TensorFlow's start-up notes are no message of ours.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        code = app(args=arguments, prog_name="python -m xraycore", standalone_mode=False)
    except _UsageError as error:
        _fail(error.format_message())
    except (XrayCoreError, OSError) as error:
        _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped.")
    except Exception as error:
        _fail(f"a fault of xraycore itself, {log_fault(error)} in the log above: {error}")
    sys.exit(code or 0)


def _fail(message: str) -> None:
    sys.stderr.write(" ".join(message.split()) + "\n")
    sys.exit(2)
