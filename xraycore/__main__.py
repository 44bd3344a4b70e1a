"""Entry point of `python -m xraycore`."""

from xraycore.cli.main import main

main()
