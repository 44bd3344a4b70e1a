"""The command serve: the app for others than the one user of this computer."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from xraycore.access.modes import OPEN_WORD, decide_access
from xraycore.cli.app import app
from xraycore.cli.console import out
from xraycore.config import HOME, XRAYCORE_SETTINGS, settings_file
from xraycore.errors import ArgumentError

_APP = HOME / "serve.py"


@app.command()
def serve(
    settings: Annotated[
        Path | None,
        typer.Option(help="How people sign in, and what they may; else XRAYCORE_SETTINGS."),
    ] = None,
    address: Annotated[str, typer.Option(help="To listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    open_to_everybody: Annotated[
        bool, typer.Option(OPEN_WORD, help="No sign-in: whoever comes may look, nobody may write.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Say how people would be told apart, and end.")
    ] = False,
) -> None:
    """Start the app so that others can reach it, once it is said how they are told apart."""
    # Not with the module: only this command needs pydantic's models of the file.
    from xraycore.access.settings import read_settings

    file = settings or settings_file()
    access = decide_access(
        address, read_settings(file) if file else None, open_to_everybody=open_to_everybody
    )
    if check:
        roots = access.settings.roots if access.settings else ()
        out.print(f"Mode: {access.mode}. Folders to name: {', '.join(map(str, roots)) or 'none'}.")
        return
    if not _APP.is_file():
        raise ArgumentError(
            f"{_APP}: expected the app; its pages lie in a clone of xraycore, not in the package."
        )
    command = [sys.executable, "-m", "streamlit", "run", str(_APP)]
    command += [f"--server.address={address}", f"--server.port={port}", "--server.headless=true"]
    # Else Uvicorn takes whom a program of this computer names for the one who asks.
    variables = {**os.environ, "FORWARDED_ALLOW_IPS": ""}
    if file:
        variables[XRAYCORE_SETTINGS] = str(file.absolute())
    words = ["--", OPEN_WORD] if open_to_everybody else []
    # In this process's place: who stops it, as systemd does, stops the server and nothing else.
    os.chdir(HOME)
    os.execve(sys.executable, [*command, *words], variables)
