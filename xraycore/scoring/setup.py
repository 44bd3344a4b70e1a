"""How an archive is scored: by which networks exactly, and what is kept of each film."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from xraycore.anatomy.segmenter import segmenter_files, segmenter_sha256
from xraycore.config import VERSION, sites_folder
from xraycore.errors import ArgumentError
from xraycore.models.cards import card_sha256, model_files, read_card
from xraycore.models.runtime import RUNTIMES
from xraycore.models.sites import read_site
from xraycore.utils.files import sha256_of, write_json
from xraycore.utils.stored import Name, Sha256, Stored, Text, read_stored

FILE = "run.json"
FEATURES, MAPS = "features", "maps"
KEPT = (FEATURES, MAPS)


class StoredNetwork(Stored):
    """One network of a run."""

    name: Name
    weights_sha256: Sha256
    card_sha256: Sha256
    site_sha256: Text = ""


class StoredSetup(Stored):
    """What a run's file is to hold, see `ScoringSetup`."""

    networks: Annotated[list[StoredNetwork], Field(min_length=1, max_length=100)]
    lungs_sha256: Sha256
    site: Name | None = None
    error_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    keep: list[Literal["features", "maps"]] = []
    runtime: Name = "tensorflow"
    xraycore: Text = ""


@dataclass(frozen=True)
class Network:
    """A network as it was when the run began.

    Attributes:
        name: Of the model.
        weights_sha256: Of its weights.
        card_sha256: Of its card, by which its answers are read.
        site_sha256: Of the site's profile in force; "" without one.
    """

    name: str
    weights_sha256: str
    card_sha256: str
    site_sha256: str = ""


@dataclass(frozen=True)
class ScoringSetup:
    """What makes a film's rows what they are: two runs of one setup give the same.

    Attributes:
        networks: Which are asked.
        lungs_sha256: Of the weights that find the lungs.
        site: Name of the site profile in force; None for none.
        error_rate: At which answers are withdrawn; None where none is.
        keep: Of `KEPT`, what is stored of each film beside its row.
        runtime: What the networks run in: "tensorflow" or "openvino".
        xraycore: Version that began the run; another one goes on with it.
    """

    networks: tuple[Network, ...]
    lungs_sha256: str
    site: str | None = None
    error_rate: float | None = None
    keep: tuple[str, ...] = ()
    runtime: str = "tensorflow"
    xraycore: str = VERSION

    @property
    def models(self) -> list[str]:
        """Names of the networks."""
        return [one.name for one in self.networks]


def make_setup(
    models: Sequence[str],
    *,
    site: str | None = None,
    error_rate: float | None = None,
    keep: Sequence[str] = (),
    runtime: str = "tensorflow",
) -> ScoringSetup:
    """The setup of networks as they are installed now.

    Raises:
        ArgumentError: If there is no such model, profile, runtime, or thing to keep.
        WeightsError: If a model has no weights, or its card or the segmenter's is damaged.
    """
    for one in keep:
        if one not in KEPT:
            raise ArgumentError(f"--keep must be of {', '.join(KEPT)}. Received: {one!r}")
    if runtime not in RUNTIMES:
        raise ArgumentError(f"runtime must be one of {', '.join(RUNTIMES)}. Received: {runtime!r}")
    return ScoringSetup(
        tuple(
            Network(
                name,
                read_card(name)["weights"]["sha256"],
                card_sha256(name),
                sha256_of(asdict(read_site(name, site))) if site else "",
            )
            for name in models
        ),
        segmenter_sha256(),
        site,
        error_rate,
        tuple(one for one in KEPT if one in keep),
        runtime,
    )


def bind_setup(folder: Path, setup: ScoringSetup) -> None:
    """Notes the setup down in a run's folder, or checks that it is the one which is there.

    Raises:
        ArgumentError: If the folder's run is of another setup; says in what.
    """
    file = folder / FILE
    try:
        before = read_setup(folder)
    except FileNotFoundError:
        write_json(file, asdict(setup))
        return
    one, other = asdict(before), asdict(setup)
    apart = [key for key in one if key != "xraycore" and one[key] != other[key]]
    if apart:
        said = "; ".join(f"{key} {_shown(one[key])}, now {_shown(other[key])}" for key in apart)
        raise ArgumentError(
            f"{folder}: expected the setup that its run began with, so that all its rows mean the "
            f"same ({said}). Name another folder with --out."
        )


def read_setup(folder: Path) -> ScoringSetup:
    """The setup that a run's folder holds.

    Raises:
        FileNotFoundError: If it is no run's folder.
        ArgumentError: If its file is damaged.
    """
    stored = read_stored(folder / FILE, StoredSetup, ArgumentError)
    networks = tuple(
        Network(*(one.get(key, "") for key in StoredNetwork.model_fields))
        for one in stored["networks"]
    )
    known = {key: stored[key] for key in StoredSetup.model_fields if key in stored}
    return ScoringSetup(**{**known, "networks": networks, "keep": tuple(stored.get("keep", ()))})


def files_of(setup: ScoringSetup) -> dict[str, Path]:
    """What a worker needs of this computer: name below its folder -> file.

    Weights and cards lie below `weights`, the site's profiles below `sites`.
    """
    found = segmenter_files()
    for name in setup.models:
        found |= model_files(name)
        if setup.site:
            found[f"sites/{name}/{setup.site}.json"] = sites_folder() / name / f"{setup.site}.json"
    return found


def _shown(value: object) -> str:
    if isinstance(value, Sequence) and value and isinstance(value[0], Mapping):
        return ", ".join(
            f"{one['name']} of weights {one['weights_sha256'][:8]}, card {one['card_sha256'][:8]}"
            for one in value
        )
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "none")
    return text[:80] or "none"
