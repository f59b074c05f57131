"""What a health check from app.json can find in an instance that runs."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.problems import AGAIN, BootProblem

_PATH_TODO = "Mend what the path runs, or name another path in app.json (healthchecks, web, path)" + AGAIN


@dataclass(frozen=True)
class BadStatus(BootProblem):
    """Its health path answers 4xx or 5xx."""

    path: str
    status: int

    words = (
        "{process} is not healthy: GET {path} answered {status}.",
        "{status}",
        "2xx, or a redirect within the app",
        _PATH_TODO,
    )


@dataclass(frozen=True)
class SendsAway(BootProblem):
    """Its health path redirects to another scheme or host, so that it says nothing about this instance."""

    path: str
    status: int
    location: str

    words = (
        "{process} is not healthy: GET {path} answered {status} and sent us away.",
        "{status} to {location}",
        "2xx from the app itself, asked over plain HTTP from inside the server",
        "Let this one path answer without a redirect (Rails: ssl_options exclude; Django: SECURE_REDIRECT_EXEMPT)"
        + AGAIN,
    )


@dataclass(frozen=True)
class NoAnswer(BootProblem):
    """Its port accepts, and its health path gives no (whole) answer in time."""

    path: str
    why: str

    words = (
        "{process} is not healthy: GET {path} got no answer.",
        "{why}",
        "an answer within 5 s, without signing in",
        _PATH_TODO,
    )


@dataclass(frozen=True)
class ContentMissing(BootProblem):
    """Its health path answers, without the text that the check wants to find."""

    path: str
    content: str

    words = (
        "{process} is not healthy: GET {path} answered without {content!r}.",
        "an answer in which that text is not",
        "{content!r} in what {path} answers (app.json, healthchecks, content)",
        "Mend what the path answers, or name another content" + AGAIN,
    )


@dataclass(frozen=True)
class CheckFailed(BootProblem):
    """The command that checks it ends with another code than 0."""

    command: str
    code: int
    said: str

    words = (
        "{process} is not healthy: its check `{command}` ended with exit code {code}.",
        "{said}",
        "exit code 0 from the command, run inside the instance",
        "Mend what the command asks, or name another command (app.json, healthchecks, command)" + AGAIN,
    )


@dataclass(frozen=True)
class CheckLate(BootProblem):
    """The command that checks it does not end in its time."""

    command: str
    timeout_s: float

    words = (
        "{process} is not healthy: its check `{command}` does not end.",
        "a command that still ran after {timeout_s:g} s",
        "exit code 0 within {timeout_s:g} s",
        "Have the command give up sooner, or give it more time (app.json, healthchecks, timeout)" + AGAIN,
    )
