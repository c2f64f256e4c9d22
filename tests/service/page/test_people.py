"""Browsing, renaming, merging, moving and erasing on the page, in a real Chromium."""

import httpx
import pytest

pytestmark = pytest.mark.slow

HTML = "<img src=x onerror=alert(1)>"
BACKWARDS = "abc \u202egnp.evil"
LONG = "W" * 200


def names_of(url):
    return [person["person"] for person in httpx.get(f"{url}/people").json()["items"]]


def test_people_are_found_by_the_beginning_of_a_name(open_page, enrolled):
    from playwright.sync_api import expect

    enrolled("Ada Lark", 1)
    enrolled("Bo Wren", 2)
    page = open_page("/#people")
    cards = page.locator("#people .name")
    expect(cards).to_have_text(["Ada Lark", "Bo Wren"])
    page.get_by_label("Search by name").fill("bo")
    expect(cards).to_have_text(["Bo Wren"])
    expect(page.locator("#people-count")).to_contain_text("1 person whose name begins with")
    page.get_by_label("Search by name").fill("nobody")
    expect(page.locator("#people-count")).to_contain_text("Nobody's name begins with")
    page.get_by_label("Search by name").fill("")
    page.get_by_role("link", name="Ada Lark").click()
    expect(page.get_by_role("heading", name="Ada Lark")).to_be_focused()


def test_a_long_list_comes_in_pages(open_page, enrolled):
    from playwright.sync_api import expect

    enrolled("Ada", 1)
    enrolled("Bo", 2)
    page = open_page()

    def one_at_a_time(route):
        route.continue_(url=route.request.url.replace("limit=48", "limit=1"))

    page.route("**/people?*", one_at_a_time)
    page.get_by_role("link", name="People").click()
    expect(page.locator("#people .name")).to_have_text(["Ada"])
    page.get_by_role("button", name="Show more people").click()
    expect(page.locator("#people .name")).to_have_text(["Ada", "Bo"])
    expect(page.get_by_role("link", name="Bo")).to_be_focused()
    expect(page.get_by_role("button", name="Show more people")).not_to_be_visible()


def test_a_person_is_renamed_and_a_merge_is_told_before_it_happens(open_page, enrolled, url):
    from playwright.sync_api import expect

    enrolled("Ada", 1)
    enrolled("Bo", 2)
    page = open_page("/#people/Ada")
    page.get_by_role("button", name="Rename").click()
    name = page.get_by_label("New name")
    name.fill("Ada King")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="Ada King")).to_be_visible()

    page.get_by_role("button", name="Rename").click()
    name.fill("Bo")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("There is somebody called Bo already.")
    assert names_of(url) == ["Ada King", "Bo"]
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Rename")).to_be_focused()

    page.get_by_role("button", name="Merge with").click()
    page.get_by_label("Whose photos are these, too?").fill("Nobody")
    expect(dialog).to_contain_text("There is nobody of this name.")
    expect(dialog.get_by_role("button", name="Make them one")).to_be_disabled()
    page.get_by_label("Whose photos are these, too?").fill("Bo")
    expect(dialog).to_contain_text("one person with 2 photos")
    dialog.get_by_role("button", name="Make them one").click()
    expect(page.get_by_role("heading", name="Bo")).to_be_visible()
    expect(page.locator(".faces-grid li")).to_have_count(2)
    assert names_of(url) == ["Bo"]


def test_a_face_is_moved_and_what_cannot_be_is_told_in_the_dialog(open_page, enrolled, url):
    from playwright.sync_api import expect

    enrolled("Ada", 1, 2)
    enrolled("Bo", 2)
    page = open_page("/#people/Ada")
    page.get_by_role("button", name="Move 2.jpg").click()
    page.get_by_label("Whose photo is it?").fill("Bo")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It goes to Bo, who has 1 photo.")
    dialog.get_by_role("button", name="Move").click()
    expect(dialog.get_by_role("alert")).to_contain_text("from the same photo")
    page.get_by_label("Whose photo is it?").fill("Cy")
    expect(dialog).to_contain_text("somebody new is made")
    dialog.get_by_role("button", name="Move").click()
    expect(page.locator(".faces-grid li")).to_have_count(1)
    assert names_of(url) == ["Ada", "Bo", "Cy"]


def test_erasing_asks_first(open_page, enrolled, url):
    from playwright.sync_api import expect

    enrolled("Ada", 1, 2, 3)
    enrolled("Bo", 4)
    page = open_page("/#people/Ada")
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Erase 1.jpg").click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.locator(".faces-grid li")).to_have_count(3)
    page.get_by_role("button", name="Erase 1.jpg").click()
    dialog.get_by_role("button", name="Erase").click()
    expect(page.locator(".faces-grid li")).to_have_count(2)
    page.get_by_role("button", name="Erase", exact=True).click()
    expect(dialog).to_contain_text("All 2 photos of Ada")
    dialog.get_by_role("button", name="Erase").click()
    expect(page.locator("#people .name")).to_have_text(["Bo"])
    assert names_of(url) == ["Bo"]
    page.get_by_role("link", name="Bo").click()
    page.get_by_role("button", name="Erase 4.jpg").click()
    expect(dialog).to_contain_text("It is the last one of Bo")
    dialog.get_by_role("button", name="Erase").click()
    expect(page.locator("#people-count")).to_contain_text("Nobody is here yet.")


def test_strange_names_are_shown_as_what_they_are(open_page, enrolled, person_jpeg):
    from playwright.sync_api import expect

    for seed, name in enumerate((HTML, BACKWARDS, LONG), start=1):
        enrolled(name, seed)
    page = open_page("/#people", viewport={"width": 390, "height": 844})
    expect(page.locator("#people .name")).to_have_count(3)
    assert set(page.locator("#people .name").all_text_contents()) == {HTML, BACKWARDS, LONG}

    def fits():
        return page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0

    assert fits()
    for name in (HTML, BACKWARDS, LONG):
        page.get_by_role("link", name=name).click()
        expect(page.locator("#person-page h1")).to_have_text(name)
        assert fits()
        page.get_by_role("button", name="Erase", exact=True).click()
        expect(page.get_by_role("dialog")).to_contain_text(name)
        assert fits()
        page.keyboard.press("Escape")
        page.get_by_role("link", name="All people").click()
    page.get_by_role("link", name="Search", exact=True).click()
    page.get_by_label("Choose a photo").set_input_files(
        {"name": HTML, "mimeType": "image/jpeg", "buffer": person_jpeg(1)}
    )
    expect(page.locator("#matches .name").first).to_have_text(HTML)
    page.get_by_role("button", name=f"Compare with {HTML}").click()
    expect(page.locator("#compare-right")).to_have_text(HTML)
    assert fits()
