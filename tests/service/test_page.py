"""The page as files: what the browser may do with them. Its flows are in tests/service/page/."""

import re

from service.routes.page import FOLDER


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


def test_what_the_policy_forbids_is_not_in_the_pages():
    for page in FOLDER.glob("*.html"):
        text = page.read_text("utf-8")
        assert not re.search(r"<[^>]+\s(style|on\w+)=|<style|javascript:", text)
        assert not re.search(r"<script(?![^>]+src=)", text)


def test_the_scripts_speak_to_this_service_only():
    for file in (FOLDER / "assets").iterdir():
        addresses = set(re.findall(r"https?://[^\s\"'>]+", file.read_text("utf-8")))
        assert addresses <= {"http://www.w3.org/2000/svg"}
