"""The command line's entry point: one line on stderr and exit code 2 for whatever is the user's."""

import logging
import os
import sys
from typing import Any

import typer

from xraycore.cli import (  # noqa: F401  (they register)
    ablate,
    adapt,
    audit,
    benchmark,
    evaluate,
    explain,
    export,
    generalise,
    localise,
    phantoms,
    predict,
    randomise,
    reviews,
    score,
    segmenter,
    serve,
    storage,
    train,
    weights,
)
from xraycore.cli.app import app
from xraycore.cli.model_selection import cross_validate, search  # noqa: F401  (likewise)
from xraycore.cli.pacs import listen, report  # noqa: F401  (likewise)
from xraycore.cli.pacs import search as search_pacs  # noqa: F401  (likewise)
from xraycore.cli.retrieval import index, retrieve, similar  # noqa: F401  (likewise)
from xraycore.errors import XrayCoreError, log_fault

# What a module belongs to that core does not install: extras of pyproject.toml.
EXTRAS = {
    **dict.fromkeys(("imagehash", "pandas", "plotly", "scipy"), "train"),
    **dict.fromkeys(("skimage", "sklearn", "statsmodels"), "train"),
    **dict.fromkeys(("alembic", "confusable_homoglyphs", "psycopg", "sqlalchemy"), "review"),
    **dict.fromkeys(("jinja2", "streamlit"), "app"),
    "pyarrow": "archive",
    **dict.fromkeys(("fastapi", "python_multipart", "uvicorn"), "api"),
    **dict.fromkeys(("dask", "distributed"), "dask"),
    **dict.fromkeys(("onnx", "onnxruntime", "tf2onnx"), "onnx"),
    "openvino": "openvino",
    "tf_keras_vis": "compare",
    "optuna": "search",
    **dict.fromkeys(("dicomweb_client", "highdicom", "pynetdicom"), "dicom"),
}

# typer keeps its own copy of click and gives this class no public name.
_UsageError: Any = typer.BadParameter.__base__


def main(arguments: list[str] | None = None) -> None:
    """Runs one command and exits: 0, or 2 with one line on stderr."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    # TensorFlow's start-up notes are no message of ours.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        code = app(args=arguments, prog_name="xraycore", standalone_mode=False)
    except _UsageError as error:
        _fail(error.format_message())
    except (XrayCoreError, OSError) as error:
        _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped.")
    except Exception as error:
        _fail(
            _missing_extra(error)
            or f"a fault of xraycore itself, {log_fault(error)} in the log above: {error}"
        )
    sys.exit(code or 0)


def _missing_extra(error: Exception) -> str | None:
    """What to install, where a module of an extra is not there."""
    module = (isinstance(error, ModuleNotFoundError) and error.name) or ""
    if extra := EXTRAS.get(module.partition(".")[0]):
        return f"this needs {module}, which is not installed: pip install 'xraycore[{extra}]'"
    return None


def _fail(message: str) -> None:
    sys.stderr.write(" ".join(message.split()) + "\n")
    sys.exit(2)
