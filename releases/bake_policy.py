"""Whether a release that has just gone live is worse than the one before it. Pure: numbers in, words out."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import UserError

MOST_MINUTES = 24 * 60
MOST_REQUESTS = 100_000
SLOWER_BY_MS = 50.0
"""A p95 that grows by less than this is never held against a release: twice 2 ms is nobody's trouble."""


@dataclass(frozen=True)
class BakePolicy:
    """For `minutes` after a switch a release is on trial. None: that number is not looked at.

    It is worse when its share of 5xx answers is more than `errors_percent` points above the former one's, or its p95 is
    over `p95_factor` times the former's. Nothing is judged before `least_requests` answers.
    """

    minutes: int = 10
    errors_percent: float | None = 5.0
    p95_factor: float | None = None
    least_requests: int = 50

    def check(self) -> None:
        """Raise UserError for one that makes no sense."""
        example = "Example: portside bake:set --minutes 10 --errors 5% --p95 2x"
        if not 1 <= self.minutes <= MOST_MINUTES:
            raise UserError(f"A bake window has 1 to {MOST_MINUTES} minutes, not {self.minutes}.", example)
        if self.errors_percent is None and self.p95_factor is None:
            raise UserError("A bake window needs a bound: errors, p95, or both.", example)
        if self.errors_percent is not None and not 0 < self.errors_percent <= 100:
            raise UserError(f"The bound on errors is over 0 and up to 100 %, not {self.errors_percent:g}.", example)
        if self.p95_factor is not None and not 1 < self.p95_factor <= 1000:
            raise UserError(f"The bound on p95 is a factor over 1, not {self.p95_factor:g}.", example)
        if not 1 <= self.least_requests <= MOST_REQUESTS:
            raise UserError(f"At least 1 request, at most {MOST_REQUESTS}, not {self.least_requests}.", example)


@dataclass(frozen=True)
class Numbers:
    """What was counted of a release; `p95_ms` is None without requests."""

    requests: int = 0
    errors: int = 0
    p95_ms: float | None = None

    @property
    def errors_percent(self) -> float:
        return 100 * self.errors / self.requests if self.requests else 0.0


def judge(policy: BakePolicy, before: Numbers, now: Numbers) -> str:
    """In words, what is worse about `now`; empty while nothing is, or there are too few requests to say.

    A release before it with too few requests counts as one without errors, and its p95 is not compared.
    """
    if now.requests < policy.least_requests:
        return ""
    known = before.requests >= policy.least_requests
    former_percent = before.errors_percent if known else 0.0
    worse = []
    if policy.errors_percent is not None and now.errors_percent - former_percent > policy.errors_percent:
        than = f"{former_percent:.1f} % of {before.requests}" if known else "too few requests to compare with"
        worse.append(f"5xx {now.errors_percent:.1f} % of {now.requests} requests (before: {than})")
    if policy.p95_factor is not None and known and now.p95_ms is not None and before.p95_ms is not None:
        bound = max(before.p95_ms * policy.p95_factor, before.p95_ms + SLOWER_BY_MS)
        if now.p95_ms > bound:
            worse.append(f"p95 {now.p95_ms:.0f} ms of {now.requests} requests (before: {before.p95_ms:.0f} ms)")
    return "; ".join(worse)


def summary(policy: BakePolicy, now: Numbers) -> str:
    """How a trial ended that found nothing worse."""
    if now.requests < policy.least_requests:
        return f"too few requests to judge: {now.requests} of {policy.least_requests}"
    p95 = f", p95 {now.p95_ms:.0f} ms" if now.p95_ms is not None else ""
    return f"5xx {now.errors_percent:.1f} % of {now.requests} requests{p95}"
