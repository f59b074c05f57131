"""What becomes of a form that was sent: the change and the way back, or its page again with what was wrong."""

from __future__ import annotations

from collections.abc import Callable

from flask import make_response, redirect, request
from werkzeug.wrappers import Response

from core.errors import UserError
from web.pages import errors

_FAULTY = 422

Act = Callable[[], str]
"""Does what was asked for; gives the address of the page to go to."""


def carry_out(act: Act, page: Callable[[UserError], str]) -> Response:
    """Redirect to where `act` says; when it can't be done, `page` with the reason."""
    try:
        return redirect(act(), 303)
    except UserError as error:
        status = errors.status_of(error)
        return make_response(page(error), _FAULTY if status == 400 else status)


def field(name: str) -> str:
    """What was typed into a field, without blanks around it; empty when nothing was."""
    return request.form.get(name, "").strip()


def secret(name: str) -> str:
    """A password as it was typed, blanks included."""
    return request.form.get(name, "")


def number(name: str, what: str) -> int | None:
    """A whole number, None for an empty field; raises UserError."""
    text = field(name)
    if not text:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise UserError(f"{text!r} is no {what}.", "Give a whole number, such as 3, or leave the field empty.")
    return int(text)


def said(words: dict[str, str]) -> str:
    """What the page before this one did (`?done=restart`), in one of our own sentences; empty for anything else."""
    return words.get(request.args.get("done", ""), "")
