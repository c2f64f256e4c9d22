"""When a request is sent again: the service said when, and to send it twice does no harm."""

from dataclasses import dataclass

from client.problems import Problem

AGAIN = {429, 503}
"""Statuses after which the service may take the request later."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How patient a client is.

    Attributes:
        attempts: in all, the first one included; 1 never tries again.
        longest_wait_s: seconds; where the service asks for more, its problem is raised at once.
    """

    attempts: int = 4
    longest_wait_s: float = 30.0

    def wait_s(self, attempt: int, problem: Problem, *, repeatable: bool) -> float | None:
        """Seconds to wait after the attempt of this number (from 1); None to give up."""
        wait_s = problem.retry_after_s
        if not repeatable or problem.status not in AGAIN or wait_s is None:
            return None
        if attempt >= self.attempts or wait_s > self.longest_wait_s:
            return None
        return wait_s


DEFAULT_RETRIES = Retries()
