"""Fixtures of the page: one real service and one real Chromium a module, a clean gallery a test."""

import json
import shutil
import socket
import threading
import time

import httpx
import pytest
import uvicorn

from service.app import create_app
from service.settings import read_settings
from tests.service.test_meaning import CALIBRATION

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DEADLINE_MS = 30_000
"""For each thing that is waited for: the machine that runs this may be busy."""


@pytest.fixture(scope="session")
def calibrated_encoder(tiny_encoder, tmp_path_factory):
    """The tiny encoder with a calibration, so that answers have probabilities."""
    folder = tmp_path_factory.mktemp("encoder") / "calibrated"
    shutil.copytree(tiny_encoder, folder)
    card = json.loads((folder / "card.json").read_text("utf-8"))
    (folder / "card.json").write_text(json.dumps({**card, "calibration": CALIBRATION}), "utf-8")
    return folder


@pytest.fixture(scope="module")
def app(calibrated_encoder, tmp_path_factory):
    """The app that the server serves."""
    data = tmp_path_factory.mktemp("page") / "data"
    return create_app(read_settings(data=data, encoder=calibrated_encoder, workers=2))


@pytest.fixture(scope="module")
def service_url(app):
    """A real server in a thread, on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    deadline = time.monotonic() + 60
    while not server.started or httpx.get(f"{url}/health/ready").status_code != 200:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield url
    server.should_exit = True
    thread.join()


@pytest.fixture
def url(service_url):
    """The service with an empty gallery and no collection but the first."""
    with httpx.Client(base_url=service_url) as client:
        for person in client.get("/people", params={"limit": 500}).json()["items"]:
            client.delete(f"/people/{person['person_id']}")
        for collection in client.get("/collections").json()["items"]:
            if collection["name"] != "default":
                client.delete(f"/collections/{collection['name']}")
    return service_url


@pytest.fixture(scope="module")
def browser():
    """One Chromium, with a camera that shows a test picture."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGS))
        playwright.expect.set_options(timeout=DEADLINE_MS)
        yield chromium
        chromium.close()


CHROMIUM_ARGS = ("--no-sandbox", "--disable-background-networking")


@pytest.fixture
def open_page(browser, url):
    """Opens the page and lets no error of its scripts and no breach of its policy pass."""
    errors, contexts = [], []

    def open_at(path="/", *, engine=browser, **options):
        context = engine.new_context(reduced_motion="reduce", **options)
        context.set_default_timeout(DEADLINE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Policy" in line.text else None)
        page.on("dialog", lambda dialog: errors.append(f"a script opened {dialog.message}"))
        page.goto(url + path)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def enrolled(url, person_jpeg):
    """Enrols sample people over HTTP: `enrolled("Ada", 1, 2)` gives the enrolled faces."""

    def enrol(name, *seeds, collection="default"):
        files = [("images", (f"{seed}.jpg", person_jpeg(seed))) for seed in seeds]
        fields = {"person": name, "collection": collection}
        answer = httpx.post(f"{url}/gallery", data=fields, files=files, timeout=60)
        assert answer.status_code == 201, answer.text
        return answer.json()["enrolled"]

    return enrol


def as_file(name, data, kind="image/jpeg"):
    """A file as Playwright gives it to a file field."""
    return {"name": name, "mimeType": kind, "buffer": data}


DROP = """([target, type, name, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], name, {type: "image/jpeg"}));
  const options = {bubbles: true, cancelable: true};
  const event = type === "paste"
    ? new ClipboardEvent(type, {...options, clipboardData: transfer})
    : new DragEvent(type, {...options, dataTransfer: transfer});
  document.querySelector(target).dispatchEvent(event);
}"""


def give(page, target, kind, name, data):
    """Drop or paste a file."""
    page.evaluate(DROP, [target, kind, name, list(data)])
