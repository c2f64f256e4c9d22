"""Each view, light and dark: axe finds no barrier, and nothing is wider than a phone."""

from pathlib import Path

import httpx
import pytest

from index.face_map import draw, pca
from tests.service.page.conftest import as_file

pytestmark = pytest.mark.slow

AXE = Path(__file__).parents[2] / "vendor" / "axe-core" / "axe.min.js"


def barriers(page):
    """What axe finds, as (rule, where) pairs; its script goes in past the page's policy."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("async () => (await axe.run(document)).violations")
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]


def map_of(url):
    return httpx.get(f"{url}/map").json()


@pytest.fixture
def mapped(app, enrolled):
    """A gallery of three people with a map."""
    for seed, name in enumerate(("Ada", "Bo", "Cy"), start=1):
        enrolled(name, seed)
    gallery = app.state.resources.gallery
    draw(gallery._database, collection="default", dimension=gallery.dimension, layout=pca)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_has_a_barrier(open_page, mapped, person_jpeg, scheme):
    from playwright.sync_api import expect

    page = open_page(color_scheme=scheme, viewport={"width": 390, "height": 844})

    def check(what):
        found = barriers(page)
        assert found == [], f"{what}: {found}"
        assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0

    expect(page.locator("#starter-faces li")).to_have_count(3)
    check("start")
    page.get_by_label("Choose a photo").set_input_files(as_file("a.jpg", person_jpeg(1)))
    expect(page.locator("#matches .name")).to_have_count(3)
    check("look-alikes")
    page.get_by_role("button", name="Compare with Ada").click()
    check("side by side")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Why Bo?").click()
    expect(page.locator(".why-frame")).to_have_count(2)
    check("why")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="API key").click()
    check("key")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="People").click()
    expect(page.locator("#people .name")).to_have_count(3)
    check("people")
    page.get_by_role("link", name="Ada").click()
    expect(page.locator(".faces-grid li")).to_have_count(1)
    check("a person")
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill("Bo")
    expect(page.get_by_role("dialog")).to_contain_text("already")
    check("rename")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Map").click()
    expect(page.locator("#map-says")).to_have_text("3 faces")
    check("map")
    page.get_by_role("link", name="Add", exact=True).click()
    page.get_by_label("Choose photos").set_input_files(as_file("a.jpg", person_jpeg(1)))
    check("adding")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_reference_has_no_barrier(open_page, scheme):
    page = open_page("/docs", color_scheme=scheme)
    page.locator(".operation summary").first.click()
    found = barriers(page)
    assert found == [], str(found)


def test_dark_colours_can_be_chosen_and_stay(open_page):
    from playwright.sync_api import expect

    page = open_page(color_scheme="light")
    button = page.get_by_role("button", name="Dark colours")
    light = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") != light


def test_the_map_zooms_by_keys_and_names_whom_one_points_at(open_page, mapped, enrolled, url):
    from playwright.sync_api import expect

    enrolled("Late", 4)
    page = open_page("/#map")
    expect(page.locator("#map-says")).to_have_text(
        "3 faces · 1 added since it was drawn is not on it yet"
    )
    points = map_of(url)["points"]
    page.get_by_text("People in view", exact=True).click()
    expect(page.locator("#map-people li")).to_have_text(["Ada 1", "Bo 1", "Cy 1"])
    box = page.locator("#map-canvas").bounding_box()
    half = 0.9 * min(box["width"], box["height"]) / 2
    where = {
        "x": box["width"] / 2 + points["x"][0] * half,
        "y": box["height"] / 2 - points["y"][0] * half,
    }
    page.locator("#map-canvas").hover(position=where)
    expect(page.locator("#map-tip")).to_have_text("Ada")
    page.locator("#map-canvas").click(position=where)
    card = page.locator("#map-card")
    expect(card.locator(".name")).to_have_text("Ada")
    for _ in range(12):
        page.keyboard.press("+")
    expect(page.locator("#map-people li")).not_to_have_count(3)
    page.keyboard.press("0")
    expect(page.locator("#map-people li")).to_have_count(3)
    card.get_by_role("link", name="More like this").click()
    expect(page.locator("#photo-caption")).to_have_text("Ada, from the gallery")


def test_without_a_map_it_is_said_how_to_draw_one(open_page, enrolled):
    from playwright.sync_api import expect

    enrolled("Ada", 1)
    page = open_page("/#map")
    expect(page.locator("#map-empty")).to_contain_text("lookalike gallery map")
