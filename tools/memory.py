"""How much memory many users' films take: `python -m tools.memory --users 20 --films 20`.

Opens films as sessions do, without a browser: each user's films are uploaded, looked at by the
networks, drawn, and the last one explained; then every user looks at all of his again, in turns.
Tells the app process and the process that owns the networks apart, in bytes of resident memory.
"""

import json
import os
import time
from typing import Annotated

import numpy as np
import psutil
import typer

from pages.shared import analysis, inference
from pages.shared.kept_films import KeptFilms
from pages.shared.open_films import OpenFilm, thumbnail
from xraycore.config import limits
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.imaging.encode import encode_png
from xraycore.imaging.overlay import to_uint8
from xraycore.imaging.resample import resize
from xraycore.models.cards import list_trained


def main(
    users: Annotated[int, typer.Option(help="Sessions.")] = 20,
    films: Annotated[int, typer.Option(help="Films of each.")] = 20,
    side: Annotated[int, typer.Option(help="Pixels of a film's side.")] = 2048,
    models: Annotated[int, typer.Option(help="Networks that look at each film.")] = 1,
    rounds: Annotated[int, typer.Option(help="How often every user looks at all his films.")] = 2,
) -> None:
    """Prints JSON: resident memory after each round, and the limits that it was measured under."""
    began, names = time.monotonic(), list_trained()[:models]
    rng = np.random.default_rng(0)
    pixels = resize(make_phantom(0, opacity=True, size=512).pixels, (side, side))
    sessions = []
    for _ in range(users):
        kept: KeptFilms[OpenFilm] = KeptFilms()
        for number in range(films):
            # Noise as film has it, another in each: no two files are the same, none packs well.
            noisy = np.clip(pixels + rng.normal(0, 0.01, pixels.shape), 0, 1)
            film = OpenFilm.of_file(f"{number}.png", encode_png(to_uint8(noisy)))
            film.analysis.memories += (kept.memory,)
            film.thumbnail = thumbnail(film.analysis.radiograph())
            kept.films[film.key] = film
        sessions.append(kept)
    told = [_measure("opened", sessions)]
    for turn in range(rounds):
        for number in range(films):
            for kept in sessions:
                film = list(kept.films.values())[number]
                _ = film.analysis.picture().url
                for name in names:
                    prediction = film.analysis.prediction(name)
                    film.analysis.heatmap(name, "grad_cam", prediction.label)
        told.append(_measure(f"round {turn + 1}", sessions))
    typer.echo(
        json.dumps(
            {
                "users": users,
                "films": films,
                "side": side,
                "models": names,
                "limits": vars(limits()),
                "seconds": round(time.monotonic() - began),
                "measured": told,
            },
            indent=2,
        )
    )


def _measure(when: str, sessions: list[KeptFilms]) -> dict[str, str | int]:
    this = psutil.Process(os.getpid())
    others = sum(child.memory_info().rss for child in this.children(recursive=True))
    return {
        "when": when,
        "app_bytes": this.memory_info().rss,
        "other_processes_bytes": others,
        "files_bytes": sum(kept.size for kept in sessions),
        "results_bytes": analysis.all_films().size,
    }


if __name__ == "__main__":
    inference.process()
    typer.run(main)
