"""Commands that bring weights to where they are needed: weights pack, install, imagenet, onnx."""

from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, err, out
from xraycore.models.archive import install_weights, pack_weights
from xraycore.utils.files import sha256 as digest_of

weights = typer.Typer(
    no_args_is_help=True, help="Pack trained models, install packed ones, fetch ImageNet's."
)
app.add_typer(weights, name="weights")


@weights.command()
def pack(
    archive: Annotated[Path, typer.Argument(help="The archive to write, NAME.zip.")],
    json: Json = False,
) -> None:
    """Write all trained models to one archive, and its sha256 beside it."""
    digest = pack_weights(archive)
    if json:
        emit_json({"archive": str(archive), "sha256": digest, "bytes": archive.stat().st_size})
    else:
        out.print(f"{archive}: {archive.stat().st_size / 2**20:.0f} MiB, sha256 {digest}")


@weights.command()
def install(
    archive: Annotated[Path, typer.Argument(help="An archive that `weights pack` wrote.")],
    sha256: Annotated[
        str | None,
        typer.Option(help="What its sha256 must be; else that of ARCHIVE.sha256, where it is."),
    ] = None,
    json: Json = False,
) -> None:
    """Check an archive and install its models; those that were there stay until all is checked."""
    folder, names, checked = install_weights(archive, sha256)
    if not checked:
        err.print("No sha256 was given for the archive: only each model's own was checked.")
    if json:
        emit_json({"folder": str(folder), "models": names, "archive_checked": checked})
    else:
        out.print(f"{len(names)} models in {folder}: {', '.join(names)}", soft_wrap=True)


@weights.command()
def imagenet(
    model: Annotated[str, typer.Argument(help="The network.")],
    json: Json = False,
) -> None:
    """Download a network's ImageNet weights, for trainings that the app starts."""
    from xraycore.models.pretrained import download_imagenet

    file = download_imagenet(model)
    if json:
        emit_json({"file": str(file)})
    else:
        out.print(str(file), soft_wrap=True)


@weights.command()
def onnx(
    model: Annotated[str, typer.Argument(help="The network.")],
    out_file: Annotated[Path, typer.Option("--out", help="The file to write, NAME.onnx.")],
    json: Json = False,
) -> None:
    """Write a network for other programs: logits, features, the head's kernel, and its card.

    It is written once it gives what TensorFlow gives on generated films.
    """
    from xraycore.models.classifier import load_model
    from xraycore.models.runtime import export_onnx

    parity = export_onnx(load_model(model), out_file)
    facts = {"file": str(out_file), "sha256": digest_of(out_file), "parity": vars(parity)}
    if json:
        emit_json(facts)
    else:
        out.print(f"{out_file}: {parity}", soft_wrap=True)
