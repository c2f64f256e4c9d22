"""The page at /docs, in a real Chromium: examples of all that is answered, from here only."""

import httpx
import pytest

pytestmark = pytest.mark.slow


def test_the_reference_shows_every_operation(open_page, url):
    from playwright.sync_api import expect

    page = open_page("/docs")
    paths = httpx.get(f"{url}/openapi.json").json()["paths"]
    expect(page.locator(".operation")).to_have_count(sum(len(item) for item in paths.values()))
    page.locator(".operation summary").first.click()
    expect(page.locator(".operation").first).to_contain_text("curl -F image=@photo.jpg")


def test_the_reference_shows_the_examples_of_answers_and_problems(open_page):
    from playwright.sync_api import expect

    page = open_page("/docs")
    enrol = page.locator(".operation", has=page.get_by_text("Enrol photos of a person"))
    enrol.locator("summary").first.click()
    expect(enrol).to_contain_text("curl -F 'person=Ada Lark' -F images=@photo.jpg")
    expect(enrol).to_contain_text("Gives 201")
    expect(enrol).to_contain_text('"source_name": "ada-1.jpg"')
    expect(enrol).to_contain_text("Idempotency-Key")
    nothing = enrol.locator(".problem", has_text="nothing-enrolled")
    expect(nothing.locator("pre")).not_to_be_visible()
    nothing.locator("summary").click()
    expect(nothing.locator("pre")).to_contain_text("no face was found in the image")
    asked = page.evaluate("() => performance.getEntriesByType('resource').map((one) => one.name)")
    assert asked
    assert all(name.startswith(page.url.removesuffix("docs")) for name in asked)
