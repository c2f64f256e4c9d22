"""The page: its headers for all, and its flows in a real Chromium against a real server."""

import re
import shutil
import socket
import threading
import time

import httpx
import pytest
import uvicorn

from service.routes.page import FOLDER

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def test_the_page_runs_only_its_own_files(client):
    for path in ("/", "/docs"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"


def test_all_that_the_pages_load_is_here(client):
    for path in ("/", "/docs"):
        links = re.findall(r'(?:src|href)="([^"#]+)"', client.get(path).text)
        assert links
        for link in links:
            assert "//" not in link
            assert client.get(f"/{link.removeprefix('./')}").status_code == 200


def test_no_script_makes_html_from_text():
    for script in (FOLDER / "assets").glob("*.js"):
        text = script.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


@pytest.fixture
def url(start):
    """A real server in a thread, on a free port."""
    app = start().app
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def open_page(url):
    """Opens the page in Chromium and lets no error of its scripts pass."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    errors = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )

        def open_at(path="/", **context):
            page = browser.new_context(**context).new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on(
                "console",
                lambda line: errors.append(line.text) if "Policy" in line.text else None,
            )
            page.goto(url + path)
            return page

        yield open_at
        browser.close()
    assert errors == []


def as_file(name, data):
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def enrol_on_page(page, name, *files):
    if not page.locator("#person").is_visible():
        page.get_by_text("Add someone to the gallery").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Photos, one to fifty").set_input_files(list(files))
    page.get_by_role("button", name="Add").click()


@pytest.mark.slow
def test_someone_is_enrolled_and_then_found(open_page, person_jpeg):
    from playwright.sync_api import expect

    page = open_page()
    expect(page.locator("#gallery-size")).to_have_text("0 people · 0 faces in the gallery")
    hostile = "<img src=x onerror=alert(1)>"
    enrol_on_page(
        page, hostile, as_file("a.jpg", person_jpeg(1)), as_file("notes.jpg", b"no image")
    )
    outcome = page.locator("#enrol-outcome")
    expect(outcome).to_contain_text(f"{hostile}: 1 photo added, 1 photo could not be added.")
    expect(outcome.locator("li")).to_contain_text("notes.jpg")
    expect(page.locator("#gallery-size")).to_have_text("1 person · 1 face in the gallery")

    page.get_by_label("Choose a photo").set_input_files(as_file("probe.jpg", person_jpeg(1)))
    match = page.locator("#matches li")
    expect(match).to_have_count(1)
    expect(match.locator(".name")).to_have_text(hostile)
    expect(match.locator(".number")).to_have_text("1.00")
    width = match.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)")
    assert width > 0
    expect(page.get_by_role("button", name="Face 1 of 1")).to_have_attribute("aria-pressed", "true")


@pytest.mark.slow
def test_each_face_of_a_group_can_be_chosen_by_keyboard(open_page, person_jpeg, faces_picture):
    from playwright.sync_api import expect

    page = open_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    enrol_on_page(page, "Ada", as_file("a.jpg", person_jpeg(1)))
    expect(page.locator("#gallery-size")).to_contain_text("1 person")
    enrol_on_page(page, "Bo", as_file("b.jpg", person_jpeg(2)))
    expect(page.locator("#gallery-size")).to_contain_text("2 people")
    page.get_by_label("Choose a photo").set_input_files(as_file("group.jpg", faces_picture(2)))
    second = page.get_by_role("button", name="Face 2 of 2")
    expect(second).to_have_attribute("aria-pressed", "false")
    names = page.locator("#matches .name")
    before = names.all_text_contents()
    second.focus()
    page.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Face 1 of 2")).to_have_attribute(
        "aria-pressed", "false"
    )
    assert set(names.all_text_contents()) == set(before) == {"Ada", "Bo"}
    overflow = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0


@pytest.mark.slow
def test_why_two_faces_are_alike_is_shown_for_the_chosen_face(
    open_page, person_jpeg, faces_picture
):
    from playwright.sync_api import expect

    page = open_page()
    enrol_on_page(page, "Ada", as_file("a.jpg", person_jpeg(1)))
    expect(page.locator("#gallery-size")).to_contain_text("1 person")
    for photo in (person_jpeg(2), faces_picture(2)):
        page.get_by_label("Choose a photo").set_input_files(as_file("probe.jpg", photo))
        expect(page.locator("#photo-caption")).to_contain_text("face")
        page.get_by_role("button", name="Why Ada?").click()
        dialog = page.get_by_role("dialog", name="Why Ada?")
        expect(dialog.locator(".why-frame")).to_have_count(2, timeout=30_000)
        layers = dialog.locator(".layer.different")
        expect(layers.first).not_to_be_visible()
        dialog.get_by_text("Different", exact=True).click()
        expect(layers.first).to_be_visible()
        drawn = "image => image.decode().then(() => image.naturalWidth)"
        assert [layer.evaluate(drawn) for layer in layers.all()] == [256, 256]
        expect(dialog.locator(".why-parts li").first).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).not_to_be_visible()


@pytest.mark.slow
def test_what_went_wrong_is_told_kindly_and_the_next_photo_works(
    open_page, person_jpeg, empty_jpeg
):
    from playwright.sync_api import expect

    page = open_page()
    choose = page.get_by_label("Choose a photo")
    choose.set_input_files(as_file("sky.jpg", empty_jpeg))
    expect(page.get_by_role("alert")).to_contain_text("No face was found in this photo.")
    choose.set_input_files(as_file("text.jpg", b"no image"))
    expect(page.get_by_role("alert")).to_contain_text("could not be read as an image")
    choose.set_input_files(as_file("ada.jpg", person_jpeg(1)))
    expect(page.locator("#results")).to_contain_text("The gallery is empty")
    expect(page.locator("#error")).to_be_empty()


@pytest.mark.slow
def test_the_reference_shows_every_operation(open_page, url):
    from playwright.sync_api import expect

    page = open_page("/docs")
    paths = httpx.get(f"{url}/openapi.json").json()["paths"]
    expect(page.locator(".operation")).to_have_count(sum(len(item) for item in paths.values()))
    page.locator(".operation summary").first.click()
    expect(page.locator(".operation").first).to_contain_text("curl -F image=@photo.jpg")
