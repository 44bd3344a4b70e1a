"""A real Orthanc on loopback, its films, and what it is asked by in tests."""

import io
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.dicom_files import make_dataset

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
PACKAGES = {"Orthanc": "orthanc", "dciodvfy": "dicom3tools"}
USER, PASSWORD = "xray", "not-in-any-log"
PATIENT, NAME = "PID-4711", "Müller^Änne"


def missing_packages() -> list[str]:
    """What of Debian's packages is not here; as root on Debian it is installed if missing."""
    missing = _missing()
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", *missing], check=False)
        missing = _missing()
    return missing


def _missing() -> list[str]:
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [name for program, name in PACKAGES.items() if not shutil.which(program, path=path)]
    return missing if PLUGIN.is_file() else [*missing, "orthanc-dicomweb"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Orthanc:
    """One that keeps its films in a folder, so that it has them again after `stop` and `start`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.http, self.dicom = free_port(), free_port()
        self.log = folder / "orthanc.log"
        self.process: subprocess.Popen | None = None
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "Name": "tests",
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": "ORTHANC",
            "StorageDirectory": str(folder / "films"),
            "IndexDirectory": str(folder / "films"),
            "Plugins": [str(PLUGIN)],
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        (folder / "orthanc.json").write_text(json.dumps(config))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}/dicom-web"

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [shutil.which("Orthanc") or "/usr/sbin/Orthanc", str(self.folder / "orthanc.json")],
                stdout=log,
                stderr=subprocess.STDOUT,
                # Orthanc starts a worker for each core and more.
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.ask("/system")
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"Orthanc did not start: {self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        """Ends it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=20)
            self.process = None

    def ask(self, path: str, data: bytes | None = None) -> object:
        """What Orthanc's own interface answers: JSON, or bytes of a file."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", data)
        token = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
        with urllib.request.urlopen(request, timeout=20) as answer:
            content = answer.read()
        return json.loads(content) if content[:1] in b"[{" else content

    def push(self, *films: Dataset) -> None:
        """Puts films into it by its own interface."""
        for film in films:
            self.ask("/instances", as_file(film))

    def files(self, modality: str) -> list[bytes]:
        """The files of all objects of that modality."""
        query = {"Level": "Series", "Query": {"Modality": modality}, "Expand": True}
        found = self.ask("/tools/find", json.dumps(query).encode())
        instances = sorted(one for series in found for one in series["Instances"])
        return [self.ask(f"/instances/{one}/file") for one in instances]

    def settings(self, folder: Path, *more: str) -> Path:
        """A settings file that names it `orthanc`, and by C-STORE `archive`."""
        file = folder / "settings.toml"
        file.write_text(
            f'[pacs.orthanc]\nurl = "{self.url}"\nseconds = 20\n'
            f'[pacs.archive]\nhost = "127.0.0.1"\nport = {self.dicom}\ncalled_aet = "ORTHANC"\n'
            f"seconds = 20\n" + "\n".join(more)
        )
        return file


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    """A running Orthanc; on CI its absence is a failure, elsewhere a loud skip."""
    if missing := missing_packages():
        message = f"tests of PACS need Debian's packages: apt-get install {' '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    server = Orthanc(tmp_path_factory.mktemp("orthanc"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def pacs_settings(orthanc, tmp_path, monkeypatch):
    """The settings file of an environment in which a PACS `orthanc` may be asked."""
    if orthanc.process is None:
        orthanc.start()
    file = orthanc.settings(tmp_path)
    monkeypatch.setenv("XRAYCORE_SETTINGS", str(file))
    monkeypatch.setenv("XRAYCORE_PACS_ORTHANC_USER", USER)
    monkeypatch.setenv("XRAYCORE_PACS_ORTHANC_PASSWORD", PASSWORD)
    return file


def as_file(film: Dataset) -> bytes:
    """The bytes of a data set's file."""
    file = io.BytesIO()
    film.save_as(file, enforce_file_format=True)
    return file.getvalue()


def make_film(
    *, seed: int = 0, size: int = 96, study: str = "", number: int = 1, **elements: object
) -> Dataset:
    """A generated chest film as a CR object of a patient, fit to be put into a PACS."""
    from xraycore.datasets.synthetic.phantom import make_phantom  # Late: all tests load this file.

    pixels = make_phantom(seed, opacity=bool(seed % 2), size=size).pixels
    uid = generate_uid(entropy_srcs=[f"film {study} {seed} {number}"])
    film = make_dataset(np.rint(pixels * 4095).astype(np.uint16), BitsStored=12)
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID = uid
    values = {
        "SpecificCharacterSet": "ISO_IR 100",
        "PatientID": PATIENT,
        "PatientName": NAME,
        "PatientBirthDate": "19600229",
        "PatientSex": "F",
        "StudyInstanceUID": study or generate_uid(entropy_srcs=["study"]),
        "SeriesInstanceUID": generate_uid(entropy_srcs=[f"series {study}"]),
        "StudyDate": "20260301",
        "StudyTime": "101500",
        "AccessionNumber": "A-1",
        "StudyID": "S1",
        "StudyDescription": "Chest",
        "ReferringPhysicianName": "Doe^John",
        "SeriesNumber": 1,
        "InstanceNumber": number,
        "ViewPosition": "PA",
        "BodyPartExamined": "CHEST",
        "InstitutionName": "Hospital of the test",
    }
    for keyword, value in (values | elements).items():
        setattr(film, keyword, value)
    return film
