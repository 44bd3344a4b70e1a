"""Version, notice, and what the environment sets: every `XRAYCORE_*` variable, and here only."""

import importlib.metadata
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from xraycore.errors import ArgumentError

NOTICE = "For education and research. Not for diagnosis."

XRAYCORE_WEIGHTS = "XRAYCORE_WEIGHTS"
XRAYCORE_DATA = "XRAYCORE_DATA"
XRAYCORE_RUNS = "XRAYCORE_RUNS"
XRAYCORE_CACHE = "XRAYCORE_CACHE"
XRAYCORE_DATABASE = "XRAYCORE_DATABASE"
XRAYCORE_JOB = "XRAYCORE_JOB"
XRAYCORE_SITES = "XRAYCORE_SITES"
XRAYCORE_STATE = "XRAYCORE_STATE"
XRAYCORE_LESSONS = "XRAYCORE_LESSONS"
XRAYCORE_FILM_NAMES = "XRAYCORE_FILM_NAMES"
XRAYCORE_LOAD = "XRAYCORE_LOAD"
XRAYCORE_LIMITS = "XRAYCORE_LIMITS"
XRAYCORE_SETTINGS = "XRAYCORE_SETTINGS"
XRAYCORE_ROOTS = "XRAYCORE_ROOTS"
XRAYCORE_OIDC_SECRET = "XRAYCORE_OIDC_SECRET"
XRAYCORE_COOKIE_SECRET = "XRAYCORE_COOKIE_SECRET"
XRAYCORE_PROXY_SECRET = "XRAYCORE_PROXY_SECRET"
# Then the name of a connection in capitals, and _USER with _PASSWORD, or _TOKEN.
XRAYCORE_PACS_ = "XRAYCORE_PACS_"

_ABOVE = Path(__file__).resolve().parents[1]
_PROJECT = _ABOVE / "pyproject.toml"
# Beside the package in a clone; an installed package has nothing beside it but other packages.
HOME = _ABOVE if _PROJECT.is_file() else platformdirs.user_data_path("xraycore", appauthor=False)

# Weights that come with a clone, or that `xraycore weights install` unpacked.
SHIPPED = HOME / "weights"
NO_WEIGHTS = (
    f"Set {XRAYCORE_WEIGHTS} to a folder with weights, such as a clone's weights/, or unpack an "
    "archive of them: xraycore weights install FILE."
)


def _version() -> str:
    """The version in pyproject.toml, as it was installed; as it is written there in a clone."""
    try:
        return importlib.metadata.version("xraycore")
    except importlib.metadata.PackageNotFoundError:
        return tomllib.loads(_PROJECT.read_text())["project"]["version"]


VERSION = _version()


@dataclass(frozen=True)
class Limits:
    """How much the app's users may take of its computer; megabytes and gigabytes are of 1000s.

    Attributes:
        trainings: Trainings at work on the computer at once; others wait for their turn.
        evaluations: The same of jobs that evaluate: promotions and searches for a learning rate.
        of_user: The same of one user's jobs of a kind.
        waiting: Jobs of one user that may wait.
        disk_gb: What runs, drawn films and caches may take together before a job is refused.
        free_gb: What has to be free on the disk for a job to start.
        films: Films that a session may have open.
        film_mb: Files of the films of a session.
        all_film_mb: The same, of all sessions.
        memory_mb: What is kept of a session's films beside their files: pixels, answers, heatmaps.
        all_memory_mb: The same, of all sessions.
        keep_minutes: How long films are kept that nobody looks at.
        sockets: Tabs that one who has signed in has open.
        all_sockets: Tabs of all; of those who have not signed in half of it, from one address.
    """

    trainings: int = 1
    evaluations: int = 2
    of_user: int = 1
    waiting: int = 4
    disk_gb: float = 100.0
    free_gb: float = 2.0
    films: int = 500
    film_mb: float = 1024.0
    all_film_mb: float = 1400.0
    memory_mb: float = 300.0
    all_memory_mb: float = 600.0
    keep_minutes: float = 60.0
    sockets: int = 20
    all_sockets: int = 500


def limits() -> Limits:
    """Those that `XRAYCORE_LIMITS` names, as in `trainings=2,disk_gb=500`; others by default.

    Raises:
        ArgumentError: If it names no limit of ours, or gives it no number above 0.
    """
    types = {name: type(default) for name, default in vars(Limits()).items()}
    given = {}
    for entry in filter(None, os.environ.get(XRAYCORE_LIMITS, "").replace(" ", "").split(",")):
        name, _, number = entry.partition("=")
        try:
            given[name] = types[name](number)
            if not 0 < given[name] < float("inf"):
                raise ValueError
        except (KeyError, ValueError):
            raise ArgumentError(
                f"{XRAYCORE_LIMITS}: expected NAME=NUMBER with numbers above 0 and commas between "
                f"them, of the names {', '.join(types)}. Received: {entry!r}"
            ) from None
    return Limits(**given)


def weights_folder() -> Path:
    """Where trained models lie: `XRAYCORE_WEIGHTS`, or else `SHIPPED`."""
    return Path(os.environ.get(XRAYCORE_WEIGHTS) or SHIPPED)


def data_folder() -> Path | None:
    """Where real radiographs lie: `XRAYCORE_DATA`, or `../shared/data` beside a clone."""
    folder = Path(os.environ.get(XRAYCORE_DATA) or HOME.parent / "shared" / "data")
    return folder if folder.is_dir() else None


def runs_folder() -> Path:
    """Where runs lie: `XRAYCORE_RUNS`, or `runs/` in a clone or the user's data folder."""
    return Path(os.environ.get(XRAYCORE_RUNS) or HOME / "runs")


def sites_folder() -> Path:
    """Where site profiles lie: `XRAYCORE_SITES`, or the user's data folder.

    Not among the weights: these may be read-only, and a model that is installed anew replaces all
    that lies in its folder.
    """
    own = os.environ.get(XRAYCORE_SITES)
    return Path(own) if own else platformdirs.user_data_path("xraycore", appauthor=False) / "sites"


def lessons_folder() -> Path:
    """Where a teacher's lessons lie: `XRAYCORE_LESSONS`, or the user's data folder."""
    own = os.environ.get(XRAYCORE_LESSONS)
    return (
        Path(own) if own else platformdirs.user_data_path("xraycore", appauthor=False) / "lessons"
    )


def state_folder() -> Path:
    """Where the app notes down who is at work: `XRAYCORE_STATE`, or the user's folder for such."""
    own = os.environ.get(XRAYCORE_STATE)
    return Path(own) if own else platformdirs.user_state_path("xraycore", appauthor=False)


def cache_folder() -> Path:
    """Where what can be made again lies: `XRAYCORE_CACHE`, or the system's folder for caches."""
    return Path(os.environ.get(XRAYCORE_CACHE) or platformdirs.user_cache_dir("xraycore"))


def shows_film_names(served: bool) -> bool:
    """Whether the app calls uploaded films by their files, which may name a patient.

    `XRAYCORE_FILM_NAMES` says so: "shown", or "numbered" for Film 1, Film 2, …. Without it they
    are numbered where the app is served to others.

    Raises:
        ArgumentError: If it says something else.
    """
    said = os.environ.get(XRAYCORE_FILM_NAMES) or ("numbered" if served else "shown")
    if said not in ("shown", "numbered"):
        raise ArgumentError(
            f"{XRAYCORE_FILM_NAMES}: expected shown or numbered. Received: {said!r}"
        )
    return said == "shown"


def loads_ahead() -> bool:
    """Whether the app loads its networks when it starts, so that its first visitor need not wait.

    `XRAYCORE_LOAD` says so: "ahead", as without it; or "asked", with Compare's or Explain's first
    visitor, which saves memory where these are hardly used.

    Raises:
        ArgumentError: If it says something else.
    """
    said = os.environ.get(XRAYCORE_LOAD) or "ahead"
    if said not in ("ahead", "asked"):
        raise ArgumentError(f"{XRAYCORE_LOAD}: expected ahead or asked. Received: {said!r}")
    return said == "ahead"


def keras_folder() -> Path:
    """Where Keras keeps what it downloaded: its own `KERAS_HOME`, or `~/.keras`."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def database_url() -> str | None:
    """Where reviews are kept, for SQLAlchemy: `XRAYCORE_DATABASE`; None for the user's own file."""
    return os.environ.get(XRAYCORE_DATABASE) or None


def launched_environment() -> dict[str, str]:
    """What a process that is launched gets of this one's environment: all but the secrets."""
    secrets = (XRAYCORE_OIDC_SECRET, XRAYCORE_COOKIE_SECRET, XRAYCORE_PROXY_SECRET)
    return {
        name: value
        for name, value in os.environ.items()
        if name not in secrets and not name.startswith(XRAYCORE_PACS_)
    }


def job_folder() -> Path | None:
    """Where a launched command says how far it is: `XRAYCORE_JOB`; None where none was launched."""
    return Path(os.environ[XRAYCORE_JOB]) if os.environ.get(XRAYCORE_JOB) else None


def settings_file() -> Path | None:
    """How the app is served to others: `XRAYCORE_SETTINGS`; None where it is not."""
    return Path(os.environ[XRAYCORE_SETTINGS]) if os.environ.get(XRAYCORE_SETTINGS) else None


def path_roots() -> tuple[Path, ...] | None:
    """Folders that a visitor may name paths in: `XRAYCORE_ROOTS`; None where any path may be.

    A served app sets it, to nothing where its settings name no folder, and whatever it launches
    has it too.
    """
    given = os.environ.get(XRAYCORE_ROOTS)
    if given is None:
        return None
    return tuple(Path(one) for one in given.split(os.pathsep) if one)


@dataclass(frozen=True)
class PacsCredentials:
    """What a PACS is told of who asks: a user with a password, or a token; "" where not set."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def pacs_variables(name: str) -> str:
    """What the names of the variables of the connection `name` begin with."""
    return XRAYCORE_PACS_ + name.upper().replace("-", "_")


def pacs_credentials(name: str) -> PacsCredentials:
    """Those of the connection `name`: `XRAYCORE_PACS_<NAME>_USER`, `…_PASSWORD`, `…_TOKEN`."""
    stem = pacs_variables(name)
    parts = ("USER", "PASSWORD", "TOKEN")
    return PacsCredentials(*(os.environ.get(f"{stem}_{part}", "") for part in parts))


def oidc_secret() -> str:
    """The secret of this app at the provider it signs people in by; "" where none is set."""
    return os.environ.get(XRAYCORE_OIDC_SECRET, "")


def cookie_secret() -> str:
    """What the cookies of those who are signed in are signed with; "" where none is set."""
    return os.environ.get(XRAYCORE_COOKIE_SECRET, "")


def proxy_secret() -> str:
    """What the proxy that signs people in must send; "" where none is set."""
    return os.environ.get(XRAYCORE_PROXY_SECRET, "")
