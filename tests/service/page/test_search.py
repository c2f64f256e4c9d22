"""Searching on the page, in a real Chromium against a real service."""

import json
import re

import httpx
import pytest

from tests.service.page.conftest import CHROMIUM, CHROMIUM_ARGS, as_file, give

pytestmark = pytest.mark.slow

DRAWN = "image => image.decode().then(() => image.naturalWidth)"


def choose_photo(page, data, name="probe.jpg"):
    page.get_by_label("Choose a photo").set_input_files(as_file(name, data))


def test_a_photo_finds_its_person_and_says_how_alike_in_words(open_page, enrolled, person_jpeg):
    from playwright.sync_api import expect

    enrolled("Ada", 1)
    page = open_page()
    expect(page.locator("#gallery-size")).to_have_text("1 person · 1 face")
    choose_photo(page, person_jpeg(1))
    match = page.locator("#matches li:not(.waiting)")
    expect(match).to_have_count(1)
    expect(match.locator(".name")).to_have_text("Ada")
    expect(match.locator(".words")).to_have_text("Very likely the same person")
    expect(match.locator(".number")).to_have_text("98 %")
    expect(match).to_contain_text("similarity 1.00")
    assert match.locator("img").evaluate(DRAWN) > 0
    expect(page.get_by_role("button", name="Face 1 of 1")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#verdict")).not_to_be_visible()


def test_each_face_of_a_group_can_be_chosen_by_keyboard(open_page, enrolled, faces_picture):
    from playwright.sync_api import expect

    enrolled("Ada", 1)
    enrolled("Bo", 2)
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    choose_photo(page, faces_picture(2))
    second = page.get_by_role("button", name="Face 2 of 2")
    expect(second).to_have_attribute("aria-pressed", "false")
    second.focus()
    page.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-pressed", "true")
    first = page.get_by_role("button", name="Face 1 of 2")
    expect(first).to_have_attribute("aria-pressed", "false")
    assert set(page.locator("#matches .name").all_text_contents()) == {"Ada", "Bo"}
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_photo_can_be_dropped_and_pasted(open_page, enrolled, person_jpeg):
    from playwright.sync_api import expect

    enrolled("Ada", 1)
    enrolled("Bo", 2)
    page = open_page()
    give(page, "#drop", "drop", "one.jpg", person_jpeg(1))
    names = page.locator("#matches .name")
    expect(names.first).to_have_text("Ada")
    page.get_by_role("link", name="People").click()
    give(page, "body", "paste", "two.jpg", person_jpeg(2))
    expect(page.get_by_role("heading", name="Who do they look like?")).to_be_visible()
    expect(names.first).to_have_text("Bo")


def test_an_unknown_face_and_a_poor_photo_are_told(open_page, enrolled, person_jpeg):
    from playwright.sync_api import expect

    enrolled("Ada", 1)

    def worse(route):
        answer = route.fetch().json()
        [face] = answer["faces"]
        face["unknown"] = True
        face["quality"] = {
            "width_px": 40, "sharpness": 0.1, "light": 0.1, "yaw_deg": 0,
            "advice": ["come nearer", "find better light"],
        }  # fmt: skip
        route.fulfill(body=json.dumps(answer), content_type="application/json")

    page = open_page()
    page.route("**/search?*", worse)
    choose_photo(page, person_jpeg(2))
    expect(page.locator("#verdict")).to_contain_text("Nobody in the gallery is a likely match")
    expect(page.locator("#advice")).to_contain_text("come nearer, find better light")


def test_why_two_faces_are_alike_is_shown_for_the_chosen_face(
    open_page, enrolled, person_jpeg, faces_picture
):
    from playwright.sync_api import expect

    enrolled("Ada", 1)
    page = open_page()
    for photo in (person_jpeg(2), faces_picture(2)):
        choose_photo(page, photo)
        expect(page.locator("#photo-caption")).to_contain_text("face")
        page.get_by_role("button", name="Why Ada?").click()
        dialog = page.get_by_role("dialog", name="Why Ada?")
        expect(dialog.locator(".why-frame")).to_have_count(2)
        layers = dialog.locator(".layer.different")
        expect(layers.first).not_to_be_visible()
        dialog.get_by_text("Different", exact=True).click()
        expect(layers.first).to_be_visible()
        assert [layer.evaluate(DRAWN) for layer in layers.all()] == [256, 256]
        expect(dialog.locator(".why-parts li").first).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).not_to_be_visible()


def test_two_faces_are_compared_with_a_slider(open_page, enrolled, person_jpeg):
    from playwright.sync_api import expect

    enrolled("Ada", 1)
    page = open_page()
    choose_photo(page, person_jpeg(2))
    page.get_by_role("button", name="Compare with Ada").click()
    dialog = page.get_by_role("dialog", name="Compare with Ada")
    slider = dialog.get_by_role("slider")
    expect(slider).to_be_focused()
    probe = dialog.locator("#compare-probe")
    expect(probe.locator("canvas")).to_be_visible()
    page.keyboard.press("End")
    expect(probe).to_have_css("clip-path", "inset(0px 0% 0px 0px)")
    page.keyboard.press("Home")
    expect(probe).to_have_css("clip-path", "inset(0px 100% 0px 0px)")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Compare with Ada")).to_be_focused()


def test_somebody_of_the_gallery_is_a_probe_too(open_page, enrolled):
    from playwright.sync_api import expect

    enrolled("Ada", 1)
    enrolled("Bo", 2)
    page = open_page()
    page.get_by_role("link", name="Who looks like Ada?").click()
    expect(page.locator("#photo-caption")).to_have_text("Ada, from the gallery")
    expect(page.locator("#matches .name")).to_have_text(["Bo"])
    page.get_by_role("link", name="Search", exact=True).click()
    expect(page.get_by_text("Choose a photo", exact=True)).to_be_visible()


def test_what_went_wrong_is_told_kindly_and_the_next_photo_works(
    open_page, person_jpeg, empty_jpeg
):
    from playwright.sync_api import expect

    page = open_page()
    choose_photo(page, empty_jpeg)
    expect(page.get_by_role("alert")).to_contain_text("No face was found in this photo.")
    choose_photo(page, b"no image")
    expect(page.get_by_role("alert")).to_contain_text("could not be read as an image")
    choose_photo(page, person_jpeg(1))
    expect(page.locator("#results")).to_contain_text("There is nobody else in the gallery yet.")
    expect(page.locator("#error")).to_be_empty()


def test_a_photo_is_taken_with_the_camera(browser, open_page, enrolled, make_face, tmp_path):
    from playwright.sync_api import expect

    enrolled("Ada", 1)
    camera = tmp_path / "camera.y4m"
    write_y4m(camera, make_face(1, size_px=480))
    engine = browser.browser_type.launch(
        executable_path=CHROMIUM,
        args=[
            *CHROMIUM_ARGS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
        ],
    )
    page = open_page(engine=engine)
    page.get_by_role("button", name="Use the camera").click()
    dialog = page.get_by_role("dialog", name="Take a photo")
    dialog.get_by_role("button", name="Take the photo").click()
    expect(dialog).not_to_be_visible()
    expect(page.locator("#matches .name")).to_have_text("Ada")
    assert page.evaluate("() => document.querySelector('#camera-video').srcObject") is None
    engine.close()


def test_without_a_camera_it_is_said_what_to_do(open_page):
    from playwright.sync_api import expect

    page = open_page()
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = async () => {"
        " throw new DOMException('no', 'NotAllowedError'); }; }"
    )
    page.get_by_role("button", name="Use the camera").click()
    says = page.locator("#camera-says")
    expect(says).to_contain_text("Allow it for this page")
    page.get_by_role("button", name="Close").click()
    page.evaluate("() => { Object.defineProperty(navigator, 'mediaDevices', {value: undefined}); }")
    page.get_by_role("button", name="Use the camera").click()
    expect(says).to_contain_text("or over HTTPS")


def test_a_key_is_asked_for_and_sent_with_all_that_follows(open_page, enrolled, person_jpeg):
    from playwright.sync_api import expect

    enrolled("Ada", 1)
    bare = []

    def guard(route):
        path = route.request.url.split("/", 3)[3]
        if (
            path.startswith(("assets/", "#"))
            or not path
            or route.request.headers.get("authorization") == "Bearer secret"
        ):
            route.continue_()
        else:
            bare.append(path)
            problem = {"type": "/problems/unauthorized", "status": 401, "detail": "no key"}
            route.fulfill(status=401, json=problem)

    page = open_page("/docs")
    page.route("**/*", guard)
    page.goto(page.url.replace("/docs", "/"))
    dialog = page.get_by_role("dialog", name="API key")
    expect(dialog).to_contain_text("This service asks for a key.")
    dialog.get_by_label("Key").fill("secret")
    dialog.get_by_role("button", name="Use this key").click()
    expect(page.locator("#gallery-size")).to_have_text("1 person · 1 face")
    bare.clear()
    choose_photo(page, person_jpeg(1))
    match = page.locator("#matches li:not(.waiting) img")
    expect(match).to_have_attribute("src", re.compile("^blob:"))
    assert match.evaluate(DRAWN) > 0
    assert bare == []
    assert page.evaluate("() => localStorage.length + document.cookie.length") == 0
    page.reload()
    expect(page.locator("#gallery-size")).to_have_text("1 person · 1 face")
    page.get_by_role("button", name="API key: entered").click()
    dialog.get_by_role("button", name="Forget the key").click()
    expect(dialog).to_contain_text("This service asks for a key.")


def test_another_collection_is_another_gallery(open_page, enrolled, url, person_jpeg):
    from playwright.sync_api import expect

    httpx.post(f"{url}/collections", json={"name": "family"})
    enrolled("Ada", 1)
    enrolled("Bo", 2, collection="family")
    page = open_page()
    page.get_by_label("Collection").select_option("family")
    choose_photo(page, person_jpeg(1))
    expect(page.locator("#matches .name")).to_have_text(["Bo"])
    page.get_by_role("link", name="People").click()
    expect(page.locator("#people .name")).to_have_text(["Bo"])


def write_y4m(path, image, frames=2):
    """Write uint8 RGB (H, W, 3) as a short uncompressed film, 4:2:0."""
    import cv2

    height, width = image.shape[:2]
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420).tobytes()
    head = f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + (b"FRAME\n" + planes) * frames)
