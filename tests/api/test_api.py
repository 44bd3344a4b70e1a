"""What the interface for programs answers, to whom, and how much at once."""

import asyncio
import base64
import io
from contextlib import asynccontextmanager

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.access.served import OIDC, PROXY, settings_of
from tests.scoring import fake
from xraycore.access.modes import decide_access
from xraycore.api.app import create_api
from xraycore.api.gate import Gate
from xraycore.errors import AccessError
from xraycore.scoring.lines import answer_lines, answering

LOCAL = decide_access("127.0.0.1", None, open_to_everybody=False)


@pytest.fixture(autouse=True)
def lungs(monkeypatch):
    """Lungs are found by the fake, wherever they are looked for."""
    from xraycore.anatomy import crop
    from xraycore.scoring import pipeline

    monkeypatch.setattr(pipeline, "segment_lungs", fake.fake_lungs)
    monkeypatch.setattr(crop, "segment_lungs", fake.fake_lungs)


@asynccontextmanager
async def asking(models, access=LOCAL, client=("127.0.0.1", 5000), **settings):
    """Asks an interface in this process, as from that address."""
    api = create_api(models, access, **settings)
    transport = httpx.ASGITransport(api, client=client, raise_app_exceptions=False)
    async with (
        api.router.lifespan_context(api),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8502") as asked,
    ):
        yield asked


def film(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(60, 255, (40, 32), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def sent(*numbers: int):
    return [("files", (f"film-{n}.png", film(n), "image/png")) for n in numbers]


def test_the_lines_are_those_of_the_command_line():
    models = [fake.FakeClassifier("basic_cnn"), fake.FakeClassifier("vgg16")]

    async def ask():
        async with asking(models) as asked:
            files = [*sent(1), ("files", ("notes.txt", b"no film", "text/plain"))]
            return await asked.post("/v1/predict", files=files)

    answered = asyncio.run(ask())
    assert answered.status_code == 200
    from xraycore.imaging import read_radiograph

    predictions = [one.predict(read_radiograph(film(1), name="film-1.png")) for one in models]
    expected = list(answer_lines("film-1.png", predictions, None, answering(models)))
    *lines, broken = answered.json()
    assert [line["model"] for line in lines] == ["basic_cnn", "vgg16", "ensemble"]
    for line, other in zip(lines, expected, strict=True):
        assert line == other
    assert (broken["path"], broken["model"]) == ("notes.txt", None)
    assert "notes.txt: expected" in broken["error"]


def test_two_hundred_requests_at_once_and_none_is_lost():
    async def ask(waiting):
        async with asking([fake.FakeClassifier()], waiting=waiting) as asked:
            posts = [asked.post("/v1/predict", files=sent(n % 10)) for n in range(200)]
            return await asyncio.gather(*posts)

    everyone = asyncio.run(ask(200))
    assert [one.status_code for one in everyone] == [200] * 200
    for n, one in enumerate(everyone):
        (line,) = one.json()
        assert line["path"] == f"film-{n % 10}.png"
        assert line["probabilities"] == everyone[n % 10].json()[0]["probabilities"]

    some = asyncio.run(ask(20))
    refused = [one for one in some if one.status_code == 429]
    answered = [one for one in some if one.status_code == 200]
    assert len(refused) + len(answered) == 200
    assert refused and len(answered) >= 20
    assert refused[0].headers["retry-after"] == "2"
    assert "films wait already" in refused[0].json()["error"]
    assert all(len(one.json()) == 1 for one in answered)


def test_films_of_several_requests_share_a_batch():
    seen = []

    class Counting(fake.FakeClassifier):
        def forward(self, grey):
            seen.append(len(grey))
            return super().forward(grey)

    async def ask():
        async with asking([Counting()]) as asked:
            await asyncio.gather(*(asked.post("/v1/predict", files=sent(n)) for n in range(40)))

    asyncio.run(ask())
    assert sum(seen) == 40
    assert len(seen) < 20


def test_a_fault_is_told_to_who_asked_and_ends_nothing():
    class Broken(fake.FakeClassifier):
        def forward(self, grey):
            if grey.mean() > 0.9:
                raise ZeroDivisionError
            return super().forward(grey)

    white = io.BytesIO()
    Image.fromarray(np.full((40, 32), 255, np.uint8)).save(white, "PNG")

    async def ask():
        async with asking([Broken()]) as asked:
            files = [("files", ("white.png", white.getvalue(), "image/png"))]
            return await asked.post("/v1/predict", files=files), await asked.post(
                "/v1/predict", files=sent(1)
            )

    fault, fine = asyncio.run(ask())
    assert fault.status_code == 500
    assert "a fault of xraycore itself, F" in fault.json()["error"]
    assert fine.status_code == 200


def test_where_a_network_looks():
    model = fake.FakeClassifier()
    model.card = {**fake.CARD, "heat_scale": {}}

    async def ask(**form):
        async with asking([model]) as asked:
            file = {"file": ("film-1.png", film(1), "image/png")}
            return await asked.post("/v1/explain", files=file, data={"model": "basic_cnn", **form})

    found = asyncio.run(ask(target="Normal"))
    assert found.status_code == 200, found.text
    told = found.json()
    assert (told["file"], told["target"], told["method"]) == ("film-1.png", "Normal", "grad_cam")
    assert np.shape(told["map"]) == (7, 7)
    assert np.min(told["map"]) >= 0 < np.max(told["map"])
    picture = Image.open(io.BytesIO(base64.b64decode(told["overlay"])))
    assert picture.size == (32, 40)
    assert asyncio.run(ask(method="rise")).status_code == 400


def test_which_networks_there_are_and_what_there_is_to_ask():
    async def ask():
        async with asking([fake.FakeClassifier()]) as asked:
            return [await asked.get(path) for path in ("/v1/models", "/openapi.json", "/")]

    models, described, page = asyncio.run(ask())
    assert [(one["name"], one["sha256"]) for one in models.json()] == [("basic_cnn", "a" * 64)]
    assert set(described.json()["paths"]) == {"/v1/predict", "/v1/explain", "/v1/models"}
    assert "POST /v1/predict" in page.text
    assert "http" not in page.text.replace("http-equiv", "")  # Nothing comes from elsewhere.


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        (("10.0.0.9", 5000), {}),
        (("127.0.0.1", 5000), {"host": "evil.example"}),
        (("127.0.0.1", 5000), {"x-forwarded-for": "10.0.0.9"}),
        (("127.0.0.1", 5000), {"origin": "http://evil.example"}),
    ],
)
def test_who_answers_his_own_computer_answers_no_other(client, headers):
    async def ask():
        async with asking([fake.FakeClassifier()], client=client) as asked:
            return await asked.post("/v1/predict", files=sent(1), headers=headers)

    assert asyncio.run(ask()).status_code == 403


def test_requests_that_are_too_large_or_do_not_say_are_refused(monkeypatch):
    monkeypatch.setenv("XRAYCORE_LIMITS", "film_mb=0.001")

    async def chunks():
        yield b"x" * 10

    async def ask():
        async with asking([fake.FakeClassifier()]) as asked:
            return await asked.post("/v1/predict", files=sent(1)), await asked.post(
                "/v1/predict", content=chunks()
            )

    large, silent = asyncio.run(ask())
    assert (large.status_code, silent.status_code) == (413, 411)


def test_too_many_files_and_unknown_names_are_said():
    async def ask():
        async with asking([fake.FakeClassifier()]) as asked:
            return [
                await asked.post("/v1/predict", files=sent(*[1] * 65)),
                await asked.post("/v1/predict?model=alexnet", files=sent(1)),
                await asked.post("/v1/predict?view=chest9", files=sent(1)),
            ]

    for answered in asyncio.run(ask()):
        assert answered.status_code == 400
        assert "Received" in answered.json()["error"]


def test_what_is_no_request_of_ours_is_told_in_one_line_and_never_repeated():
    boundary = {"content-type": "multipart/form-data; boundary=b"}
    plain = b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\nTHE FILM\r\n--b--\r\n'
    wrong = [
        (422, {"json": {"files": 1}}),
        (422, {"content": plain, "headers": boundary}),
        (422, {"content": plain[:60], "headers": boundary}),
        (400, {"content": b"\x00\xff" * 50, "headers": boundary}),
        (400, {"content": b"x", "headers": {"content-type": "multipart/form-data"}}),
        (400, {"files": [("files", ("a.png", b"x"))] * 1001}),
    ]

    async def ask():
        async with asking([fake.FakeClassifier()]) as asked:
            return [
                *[await asked.post("/v1/predict", **one) for _, one in wrong],
                await asked.get("/v1/nothing"),
                await asked.post("/v1/explain", files=[("file", ("a.png", film(1)))]),
            ]

    found = asyncio.run(ask())
    assert [one.status_code for one in found] == [*(status for status, _ in wrong), 404, 422]
    for answered in found:
        assert list(answered.json()) == ["error"] and "\n" not in answered.json()["error"]
        assert "THE FILM" not in answered.text and len(answered.text) < 300
    assert found[0].json()["error"] == "body.files: Field required"
    assert found[-1].json()["error"] == "body.model: Field required"


def test_who_announces_films_and_sends_none_does_not_keep_others_out(monkeypatch):
    monkeypatch.setattr("xraycore.api.gate.SECONDS", 1)
    monkeypatch.setenv("XRAYCORE_LIMITS", "film_mb=0.01,all_film_mb=0.011")

    async def trickle():
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        while True:
            yield b"x"
            await asyncio.sleep(0.05)

    async def ask():
        async with asking([fake.FakeClassifier()]) as asked:
            form = {"content-type": "multipart/form-data; boundary=b", "content-length": "9999"}
            slow = asyncio.create_task(
                asked.post("/v1/predict", content=trickle(), headers=form), name="slow"
            )
            await asyncio.sleep(0.1)
            meanwhile = await asked.post("/v1/predict", files=sent(1))
            return meanwhile, await slow, await asked.post("/v1/predict", files=sent(1))

    meanwhile, slow, later = asyncio.run(ask())
    assert (meanwhile.status_code, slow.status_code, later.status_code) == (429, 408, 200)
    assert slow.json()["error"] == "Expected the whole request within 1 s."


def test_behind_a_proxy_only_the_proxy_is_answered_and_each_by_his_role(tmp_path):
    roles = '[roles]\nusers = { anna = "viewer" }\n'
    access = decide_access("0.0.0.0", settings_of(tmp_path, PROXY + roles), open_to_everybody=False)
    secret = {"X-Xraycore-Proxy": "abcdefghijklmnopqrstuvwxyz012345"}
    anna = secret | {"X-Remote-User": "anna"}

    async def ask(headers, client=("10.0.0.2", 5000)):
        async with asking([fake.FakeClassifier()], access, client) as asked:
            return await asked.post("/v1/predict", files=sent(1), headers=headers)

    assert asyncio.run(ask(anna)).status_code == 200
    assert asyncio.run(ask(anna, ("10.0.0.3", 5000))).status_code == 403
    assert asyncio.run(ask({"X-Remote-User": "anna"})).status_code == 403
    unknown = asyncio.run(ask(secret | {"X-Remote-User": "bob"}))
    assert unknown.status_code == 403
    assert unknown.json()["error"] == "This needs somebody who may open films of his own."


def test_a_sign_in_by_browser_is_none_for_programs(tmp_path):
    access = decide_access("0.0.0.0", settings_of(tmp_path, OIDC), open_to_everybody=False)
    with pytest.raises(AccessError, match="put a proxy"):
        create_api([fake.FakeClassifier()], access)


def gate_asked(number, **headers):
    """The statuses of so many requests at once, of which each is at work while the others come."""

    async def app(scope, receive, send):
        await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    gate = Gate(app, LOCAL)

    async def one():
        told = []

        async def send(message):
            told.append(message)

        sent = {"host": "127.0.0.1:8502", **headers}
        pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
        scope = {"type": "http", "method": "POST", "path": "/v1/predict", "headers": pairs}
        await gate(scope | {"client": ("127.0.0.1", 5)}, None, send)
        return told[0]["status"]

    async def all_at_once():
        first = await asyncio.gather(*(one() for _ in range(number)))
        return first, await one()

    return asyncio.run(all_at_once())


def test_requests_that_come_together_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setenv("XRAYCORE_LIMITS", "film_mb=0.002,all_film_mb=0.003")
    length = {"content-length": "1500"}
    assert gate_asked(3, **length) == ([200, 200, 429], 200)


@pytest.mark.parametrize("header", [{"origin": "http://["}, {"host": "["}])
def test_what_is_no_address_is_refused_and_no_fault(header):
    assert gate_asked(1, **{"content-length": "5"}, **header) == ([403], 403)
