"""Takes the pictures of docs/page.md: `python -m tests.service.page.screenshots docs/images`.

The sample people alone, of whom none is real. Each picture has few colours, to stay small.
"""

import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import samples
from tests.service.page.conftest import CHROMIUM, CHROMIUM_ARGS
from tests.service.serving import Served, run_map

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
COLOURS = 128
WIDTH_PX = 960
ADA = samples.people_folder() / "Amara Nwokeda"
LOADED = """() => [...document.images].every(
  (one) => one.complete || one.getBoundingClientRect().top > innerHeight || !one.offsetParent)"""


def start(page: Page) -> None:
    """Nothing is chosen yet."""
    page.wait_for_selector("#starter-faces li")


def search(page: Page) -> None:
    """A photo and its look-alikes."""
    page.set_input_files("#photo", ADA / "1.jpg")
    page.wait_for_selector("#matches li:not(.waiting)")


def compare(page: Page) -> None:
    """Two faces under the slider."""
    search(page)
    page.get_by_role("button", name="Compare with").nth(1).click()


def why(page: Page) -> None:
    """Which parts are alike."""
    search(page)
    page.get_by_role("button", name="Why").nth(1).click()
    page.wait_for_selector(".why-frame", timeout=60_000)


def people(page: Page) -> None:
    """Everybody."""
    page.get_by_role("link", name="People").click()
    page.wait_for_selector("#people li")


def rename(page: Page) -> None:
    """One person, and a merge that is told before it happens."""
    people(page)
    page.get_by_role("link", name="Amara Nwokeda").click()
    page.get_by_role("button", name="Rename").click()
    page.fill("#ask-name", "Anjali Verasen")
    page.get_by_role("button", name="Make them one").wait_for()


def face_map(page: Page) -> None:
    """The gallery in the plane."""
    page.get_by_role("link", name="Map").click()
    page.wait_for_selector("#map-canvas")
    page.wait_for_timeout(2500)  # its crops are drawn as they come


def adding(page: Page) -> None:
    """Photos on their way, one turned down."""
    page.get_by_role("link", name="Add", exact=True).click()
    page.fill("#person", "Amara Nwokeda")
    sky = {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"no image"}
    page.set_input_files("#images", [ADA / "1.jpg", ADA / "2.jpg"])
    page.wait_for_selector(".upload")
    page.set_input_files("#images", sky)
    page.click("#add-go")
    page.wait_for_function("() => document.querySelector('#add-outcome').textContent.includes(':')")


SHOTS: tuple[tuple[str, Callable[[Page], None], dict[str, int], str], ...] = (
    ("start", start, DESKTOP, "light"),
    ("search", search, DESKTOP, "light"),
    ("search-dark", search, DESKTOP, "dark"),
    ("search-phone", search, PHONE, "light"),
    ("compare", compare, DESKTOP, "light"),
    ("why-dark", why, DESKTOP, "dark"),
    ("people", people, DESKTOP, "light"),
    ("people-phone-dark", people, PHONE, "dark"),
    ("rename", rename, DESKTOP, "light"),
    ("map", face_map, DESKTOP, "light"),
    ("map-phone-dark", face_map, PHONE, "dark"),
    ("add", adding, DESKTOP, "light"),
    ("add-phone-dark", adding, PHONE, "dark"),
)


def main(target: Path) -> None:
    """Write all pictures into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        served = Served("--data", folder, "--sample-people")
        with closing(served.client) as client:
            assert client.get("/info").json()["gallery"]["faces"] == 90
            run_map(folder)
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGS))
            for name, go, size, scheme in SHOTS:
                page = browser.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")
                page.goto(served.url)
                go(page)
                page.wait_for_function(LOADED)
                page.wait_for_timeout(300)
                page.evaluate("() => scrollTo(0, 0)")
                file = target / f"{name}.png"
                page.screenshot(path=file)
                page.close()
                shrink(file)
        served.stop()


def shrink(file: Path) -> None:
    """Make a picture smaller in place, to WIDTH_PX at most."""
    picture = Image.open(file).convert("RGB")
    width = min(WIDTH_PX, picture.width)
    size = (width, round(picture.height * width / picture.width))
    picture.resize(size, Image.Resampling.LANCZOS).quantize(COLOURS).save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
