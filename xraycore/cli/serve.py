"""Commands that answer others: serve, the app; serve-api, an interface for programs."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from xraycore.access.modes import OPEN_WORD, decide_access
from xraycore.cli.app import app
from xraycore.cli.console import err, out
from xraycore.cli.loading import Models, chosen_models, load_models
from xraycore.config import HOME, NOTICE, XRAYCORE_SETTINGS, settings_file
from xraycore.errors import ArgumentError
from xraycore.models.answer import DEFAULT_ERROR_RATE
from xraycore.models.sites import read_site
from xraycore.scoring.lines import check_error_rate

_APP = HOME / "serve.py"


SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", help="Who may what, and how it is told; else XRAYCORE_SETTINGS."),
]
Address = Annotated[str, typer.Option(help="To listen at.")]


@app.command()
def serve(
    settings: SettingsFile = None,
    address: Address = "127.0.0.1",
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


@app.command()
def serve_api(
    model: Models = None,
    site: Annotated[
        str | None, typer.Option(help="Site profile to answer by, see `adapt`.")
    ] = None,
    error_rate: Annotated[
        float, typer.Option(help="See `predict`; 0 to answer by the operating point alone.")
    ] = DEFAULT_ERROR_RATE,
    settings: SettingsFile = None,
    address: Address = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8502,
    waiting: Annotated[
        int, typer.Option(min=1, help="Films that may wait; beyond it requests get status 429.")
    ] = 256,
    open_to_everybody: Annotated[
        bool, typer.Option(OPEN_WORD, help="No sign-in: whoever comes may have films scored.")
    ] = False,
) -> None:
    """Answer programs over HTTP: POST /v1/predict and /v1/explain, GET /v1/models.

    The same JSON as the command line's; / says what there is, /openapi.json all of it.
    """
    from xraycore.access.settings import read_settings

    file = settings or settings_file()
    access = decide_access(
        address, read_settings(file) if file else None, open_to_everybody=open_to_everybody
    )
    rate = check_error_rate(error_rate)
    if site:  # Before networks are loaded, which takes a while.
        for name in chosen_models(model):
            read_site(name, site)
    # Late: it needs FastAPI and Uvicorn, which core does not install.
    import uvicorn

    from xraycore.api.app import create_api
    from xraycore.api.gate import check_mode

    check_mode(access)
    api = create_api(load_models(model), access, site=site, error_rate=rate, waiting=waiting)
    err.print(f"http://{address}:{port} answers programs. {NOTICE}")
    # Else Uvicorn takes whom a program of this computer names for the one who asks.
    uvicorn.run(api, host=address, port=port, proxy_headers=False, log_level="warning")
