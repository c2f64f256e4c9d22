"""Adding people on the page: a bar for each file, reasons for rejections, cancel and retry."""

import httpx
import pytest

from tests.service.page.conftest import as_file, give

pytestmark = pytest.mark.slow


def add(page, name, *files):
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Choose photos").set_input_files(list(files))
    page.locator("#add-go").click()


def test_each_photo_has_its_own_bar_and_outcome(open_page, person_jpeg, empty_jpeg, url):
    from playwright.sync_api import expect

    page = open_page("/#add")
    photos = [as_file(f"{seed}.jpg", person_jpeg(seed)) for seed in (1, 2)]
    add(page, "Ada", *photos, as_file("notes.jpg", b"no image"), as_file("sky.jpg", empty_jpeg))
    outcome = page.locator("#add-outcome")
    expect(outcome).to_have_text("Ada: 2 photos added, 2 photos could not be added.")
    rows = page.locator(".upload")
    expect(rows).to_have_count(4)
    expect(rows.nth(0)).to_contain_text("Added to Ada")
    expect(rows.nth(2)).to_contain_text("could not be read as an image")
    expect(rows.nth(3)).to_contain_text("No face was found")
    expect(rows.nth(0).get_by_role("progressbar")).to_have_js_property("value", 1)
    expect(page.locator("#gallery-size")).to_have_text("1 person · 2 faces")
    page.get_by_role("button", name="Clear the list").click()
    add(page, "Ada", photos[0])
    expect(outcome).to_have_text("Ada: 1 photo was there already.")
    assert httpx.get(f"{url}/gallery").json()["total"] == 2


def test_a_name_is_asked_for_unless_folders_have_names(open_page, person_jpeg):
    from playwright.sync_api import expect

    page = open_page("/#add")
    give(page, "#add-drop", "drop", "1.jpg", person_jpeg(1))
    expect(page.locator(".upload")).to_have_count(1)
    page.locator("#add-go").click()
    expect(page.get_by_role("alert")).to_have_text("Say whose photos these are.")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()


def test_a_folder_of_folders_adds_a_person_each(open_page, person_jpeg, tmp_path, url):
    from playwright.sync_api import expect

    for seed, name in ((1, "Ada"), (2, "Bo")):
        folder = tmp_path / "people" / name
        folder.mkdir(parents=True)
        (folder / "1.jpg").write_bytes(person_jpeg(seed))
        (folder / "notes.txt").write_text("no photo")
    page = open_page("/#add")
    page.locator("#folder").set_input_files(tmp_path / "people")
    expect(page.locator(".upload")).to_have_count(2)
    page.locator("#add-go").click()
    expect(page.locator("#add-outcome")).to_have_text("2 people: 2 photos added.")
    people = httpx.get(f"{url}/people").json()["items"]
    assert [person["person"] for person in people] == ["Ada", "Bo"]


def test_an_upload_can_be_cancelled_and_tried_again(open_page, person_jpeg, url):
    from playwright.sync_api import expect

    page = open_page("/#add")
    held, keys = [], []

    def hold_first(route):
        if route.request.method != "POST":
            route.continue_()
            return
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            held.append(route)  # never answered
        elif len(keys) == 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/gallery*", hold_first)
    add(page, "Ada", as_file("1.jpg", person_jpeg(1)))
    row = page.locator(".upload")
    page.get_by_role("button", name="Cancel 1.jpg").click()
    expect(row).to_contain_text("Cancelled")
    page.get_by_role("button", name="Retry 1.jpg").click()
    expect(row).to_contain_text("The service cannot be reached.")
    page.get_by_role("button", name="Retry 1.jpg").click()
    expect(row).to_contain_text("Added to Ada")
    assert len(set(keys)) == 3
    assert httpx.get(f"{url}/gallery").json()["total"] == 1


def test_a_busy_service_is_asked_again(open_page, person_jpeg):
    from playwright.sync_api import expect

    page = open_page("/#add")
    asked = []

    def busy_once(route):
        if route.request.method == "POST" and not asked:
            asked.append(route)
            problem = {"type": "/problems/overloaded", "status": 503, "detail": "busy"}
            route.fulfill(status=503, json=problem, headers={"Retry-After": "0"})
        else:
            route.continue_()

    page.route("**/gallery*", busy_once)
    add(page, "Ada", as_file("1.jpg", person_jpeg(1)))
    expect(page.locator(".upload")).to_contain_text("Added to Ada")
    assert asked
