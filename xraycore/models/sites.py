"""Site profiles: what local films changed of how a model's answers are read, never its weights."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from xraycore.config import sites_folder
from xraycore.errors import ArgumentError, WeightsError
from xraycore.metrics.intervals import Score
from xraycore.models.card_schema import ConformalSets, ScoreEntry
from xraycore.models.registry import get_spec
from xraycore.utils.files import make_private_folder, write_json
from xraycore.utils.stored import Count, Name, Share, Stored, Text, read_stored

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class StoredSite(Stored):
    """What a profile's file is to hold, see `SiteProfile`."""

    name: Name
    model: Name
    weights_sha256: Name
    threshold: Share
    temperature: Annotated[float, Field(gt=0, le=1e6)]
    normals: Count
    abnormals: Count
    threshold_interval: Annotated[list[float], Field(min_length=2, max_length=2)]
    specificity: ScoreEntry
    sensitivity: ScoreEntry | None = None
    sets: ConformalSets = {}
    warnings: list[Text] = []
    fitted: dict[Name, Text] = {}


@dataclass(frozen=True)
class SiteProfile:
    """How one model's answers are to be read at one site.

    Attributes:
        name: Of the site.
        model: Name of the model.
        weights_sha256: Of the weights whose answers it was fitted to.
        threshold: Least probability of an opacity, after `temperature`, that is called one.
        temperature: What the log-odds of an opacity are divided by.
        normals: Local normal films that it was fitted to.
        abnormals: Local films with an opacity likewise.
        threshold_interval: The middle 95 % of thresholds of resampled films.
        specificity: Share of further local normals that are not called an opacity: expected, and
            between which bounds 90 % of such profiles would have it.
        sensitivity: Share of the local films with an opacity that are called one; None without any.
        sets: Error rate -> the conformal bounds, see `xraycore.models.answer`.
        warnings: What its user must know, such as that the films were few.
        fitted: When, and by which command.
    """

    name: str
    model: str
    weights_sha256: str
    threshold: float
    temperature: float
    normals: int
    abnormals: int
    threshold_interval: tuple[float, float]
    specificity: Score
    sensitivity: Score | None = None
    sets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    fitted: Mapping[str, str] = field(default_factory=dict)


def check_site_name(name: str) -> str:
    """The name, if it can name a site: letters, digits, dot, dash, underscore; 64 at most.

    Raises:
        ArgumentError: If it cannot.
    """
    if not _NAME.fullmatch(name):
        raise ArgumentError(
            "a site's name must be of letters, digits, '.', '-' and '_', at most 64. "
            f"Received: {name!r}"
        )
    return name


def write_site(profile: SiteProfile) -> Path:
    """Stores a profile in place of the model's older one of that site; returns its file."""
    file = _file(profile.model, profile.name)
    make_private_folder(file.parent)
    write_json(file, asdict(profile))
    return file


def read_site(model: str, name: str) -> SiteProfile:
    """The model's profile of a site.

    Raises:
        ArgumentError: If there is none, or no such model.
        WeightsError: If its file is damaged.
    """
    file = _file(model, name)
    try:
        stored = read_stored(file, StoredSite, WeightsError)
        stored["threshold_interval"] = tuple(stored["threshold_interval"])
        stored["warnings"] = tuple(stored["warnings"])
        return SiteProfile(**stored)
    except FileNotFoundError:
        known = ", ".join(list_sites(model)) or "none"
        raise ArgumentError(
            f"{model} has no profile of the site {name!r}. Profiles: {known}. "
            "Make one with `xraycore adapt`."
        ) from None
    except TypeError as error:  # Of a later version.
        raise WeightsError(f"{file}: expected a site profile: {error}") from None


def list_sites(model: str) -> list[str]:
    """Names of the sites that the model has a profile of, in order."""
    folder = sites_folder() / get_spec(model).name
    return sorted(file.stem for file in folder.glob("*.json") if _NAME.fullmatch(file.stem))


def remove_site(model: str, name: str) -> None:
    """Forgets a profile.

    Raises:
        ArgumentError: If there is none.
    """
    file = _file(model, name)
    if not file.is_file():
        raise ArgumentError(f"{model} has no profile of the site {name!r}.")
    file.unlink()


def _file(model: str, name: str) -> Path:
    return sites_folder() / get_spec(model).name / f"{check_site_name(name)}.json"
