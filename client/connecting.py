"""What both clients connect with."""

from typing import Any

DEFAULT_TIMEOUT_S = 60.0
"""/explain takes a second on two cores, an enrolment of fifty large photos some more."""

PAGE = 500
"""Items fetched at once by the iterators; the most that the service gives."""


def connection(url: str, key: str | None, timeout_s: float) -> dict[str, Any]:
    """Arguments of httpx's clients: the service's URL, the key in its header, the patience."""
    headers = {"User-Agent": "lookalike-client"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return {"base_url": url.rstrip("/") + "/", "headers": headers, "timeout": timeout_s}
