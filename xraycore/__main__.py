"""Entry point of `python -m xraycore`, and of this file run by its path, from anywhere."""

import sys
from pathlib import Path

if not __package__:
    # By its path, as processes are launched: the package lies beside it, installed or in a clone.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from xraycore.cli.main import main

main()
