"""The interface's paths: /v1/predict, /v1/explain, /v1/models, and what they are told about."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html import escape
from typing import Annotated, Any

from fastapi import FastAPI, File, Form, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from xraycore.access import Access
from xraycore.api.batching import BusyError, FilmQueue, UploadedFilm
from xraycore.api.gate import Gate, check_mode
from xraycore.attribution.heatmap import explain as explain_film
from xraycore.attribution.registry import METHODS, get_method
from xraycore.config import NOTICE, VERSION
from xraycore.datasets.labels import canonical_label, get_label_scheme
from xraycore.errors import ArgumentError, RadiographError, XrayCoreError, log_fault
from xraycore.imaging import Radiograph
from xraycore.imaging.decoding import MAX_BYTES
from xraycore.imaging.encode import encode_png
from xraycore.imaging.overlay import overlay
from xraycore.models.classifier import Classifier
from xraycore.report.provenance import provenance
from xraycore.scoring.lines import answer_lines, answering, error_line

# Films of one request, and films that wait or are at work, of all requests.
MOST_FILES, MOST_WAITING = 64, 256
_RETRY_SECONDS = 2


def create_api(
    classifiers: Sequence[Classifier],
    access: Access,
    *,
    site: str | None = None,
    error_rate: float | None = None,
    waiting: int = MOST_WAITING,
) -> FastAPI:
    """The interface as an ASGI application; films of requests that come together share batches.

    Args:
        classifiers: The networks that are asked.
        access: How it is told who is asking.
        site: Site profile that answers are read by.
        error_rate: At which answers are withdrawn; None where none is.
        waiting: Films that may wait or be at work; beyond it requests get status 429.

    Raises:
        AccessError: If programs cannot be told apart so.
        ArgumentError: If a model has no profile of the site.
    """
    check_mode(access)
    states = answering(classifiers, site, error_rate)
    by_name = {one.spec.name: one for one in classifiers}
    films = FilmQueue(classifiers, waiting)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        with films:
            yield

    # Its own pages for people come from another host, which this computer may not even reach.
    api = FastAPI(
        title="xraycore",
        version=VERSION,
        description=NOTICE,
        lifespan=running,
        docs_url=None,
        redoc_url=None,
    )
    api.add_middleware(Gate, access=access)
    api.add_exception_handler(Exception, _tell_fault)
    for kind, status in ((XrayCoreError, 400), (RadiographError, 422), (BusyError, 429)):
        api.add_exception_handler(kind, _teller(status))
    api.add_exception_handler(HTTPException, _tell_refusal)
    api.add_exception_handler(RequestValidationError, _tell_form)

    @api.get("/v1/models", summary="The networks that are asked")
    async def models() -> list[dict[str, Any]]:
        return [_describe(one) for one in classifiers]

    @api.post("/v1/predict", summary="What the networks say of films")
    async def predict(
        files: Annotated[list[UploadFile], File(description="Films, 64 MiB each at most.")],
        model: Annotated[list[str] | None, Query(description="All of them by default.")] = None,
        view: Annotated[str | None, Query(description="chest4, pneumonia or covid3.")] = None,
    ) -> list[dict[str, Any]]:
        """The lines of `xraycore predict --json`: one a film and network, and one that averages."""
        names = [_find(by_name, name).spec.name for name in model or by_name]
        scheme = get_label_scheme(view) if view else None
        if len(files) > MOST_FILES:
            raise ArgumentError(f"expected at most {MOST_FILES} films. Received: {len(files)}")
        sent = [await _receive(file) for file in files]
        lines: list[dict[str, Any]] = []
        for film, answer in zip(sent, films.submit(sent), strict=True):
            scored = await asyncio.wrap_future(answer)
            if scored.error is not None:
                lines.append(error_line(film.name, scored.error))
                continue
            chosen = [one for one in scored.predictions if one.model in names]
            lines += answer_lines(film.name, chosen, scheme, states)
        return lines

    @api.post("/v1/explain", summary="Where a network looks on a film")
    async def explain(
        file: Annotated[UploadFile, File(description="One film, 64 MiB at most.")],
        model: Annotated[str, Form(description="Name of the network.")],
        method: Annotated[str, Form(description="Name of a quick heatmap method.")] = "grad_cam",
        target: Annotated[str | None, Form(description="Class; the likeliest by default.")] = None,
    ) -> dict[str, Any]:
        """Provenance as `xraycore explain` writes it, the raw map and the overlay (base64, PNG)."""
        classifier = _find(by_name, model)
        if not get_method(method).quick:
            quick = ", ".join(name for name, one in METHODS.items() if one.quick)
            raise ArgumentError(f"method must be one of {quick} here. Received: {method!r}")
        aimed = canonical_label(target) if target else None

        def work(radiograph: Radiograph) -> dict[str, Any]:
            prediction = classifier.predict(radiograph)
            heatmap = explain_film(classifier, prediction, method, aimed)
            picture = encode_png(overlay(radiograph, heatmap))
            return {
                **provenance(classifier, radiograph, prediction, heatmap),
                "map": heatmap.values.tolist(),
                "overlay": base64.b64encode(picture).decode(),
            }

        return await asyncio.wrap_future(films.run(await _receive(file), work))

    @api.get("/", include_in_schema=False, response_class=HTMLResponse)
    async def about() -> str:
        return _page(api)

    return api


async def _receive(file: UploadFile) -> UploadedFilm:
    name = file.filename or "film"
    content = await file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ArgumentError(f"{name}: expected at most {MAX_BYTES // 2**20} MiB. Received: more")
    return UploadedFilm(name, content)


def _find(by_name: dict[str, Classifier], name: str) -> Classifier:
    if name not in by_name:
        raise ArgumentError(f"model must be one of {', '.join(by_name)}. Received: {name!r}")
    return by_name[name]


def _describe(one: Classifier) -> dict[str, Any]:
    """The entries of `xraycore models --json` that stand on a card."""
    keys = ("classes", "input_size", "parameters", "scores")
    return {
        "name": one.spec.name,
        "title": one.spec.title,
        "paper": one.spec.paper,
        "trained": True,
        **{key: one.card.get(key) for key in keys},
        "sha256": one.card.get("weights", {}).get("sha256"),
        "card_sha256": one.card_sha256,
    }


def _teller(status: int) -> Any:
    async def tell(request: Request, error: Exception) -> JSONResponse:
        headers = {"retry-after": str(_RETRY_SECONDS)} if status == 429 else None
        return JSONResponse({"error": str(error)}, status, headers)

    return tell


async def _tell_refusal(request: Request, error: Any) -> JSONResponse:
    """Of what the server itself refuses: no such path, a body that is no form."""
    return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)


async def _tell_form(request: Request, error: Any) -> JSONResponse:
    """Of fields that lack or are of another kind, without what came: that may be a film."""
    told = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return JSONResponse({"error": "; ".join(told)}, 422)


async def _tell_fault(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": f"a fault of xraycore itself, {log_fault(error)}"}, 500)


def _page(api: FastAPI) -> str:
    """What there is to ask, for people; programs read /openapi.json."""
    rows = []
    for path, ways in api.openapi()["paths"].items():
        for way, told in ways.items():
            text = told.get("description") or told["summary"]
            rows.append(f"<h2>{way.upper()} {escape(path)}</h2><p>{escape(text)}</p>")
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>xraycore</title>"
        "<meta name=viewport content='width=device-width'>"
        "<style>body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;"
        "background:#0E1317;color:#E6EAED}a{color:#4FB3BF}h2{font-size:1.05rem}</style>"
        f"<h1>xraycore {escape(VERSION)}</h1><p>{escape(NOTICE)} "
        "<a href='/openapi.json'>The whole description</a>, as OpenAPI.</p>"
        f"{''.join(rows)}</html>"
    )
