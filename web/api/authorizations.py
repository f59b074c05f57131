"""Logging in and out, and API tokens.

A token's secret is told once, when it is made. After that `access_token.token` is null, but for the token that a
request itself carries: Heroku's client looks for it in the list when it logs out. `~` is that authorization.
"""

from __future__ import annotations

from accounts import Identity, Token, TokenKind
from core import clock
from core.errors import NotFound, Unauthorized
from web.api import ranges, shapes
from web.api.routing import Access, Answer, Call, PublicCall, Routes, listed
from web.auth import credentials_of

routes = Routes()
_KEYS: ranges.Keys[Token] = {
    "id": lambda record: record.id,
    "created_at": lambda record: f"{clock.iso(record.created_at)}~{record.id}",
}


@routes("POST", "/oauth/authorizations", Access.PUBLIC)
def authorize(call: PublicCall) -> Answer:
    """Log in with Basic EMAIL:PASSWORD, or make a further token with a token. This endpoint checks for itself."""
    identity, kind = _who(call)
    lasts_s = call.body.number("expires_in")
    if lasts_s is None and kind is TokenKind.LOGIN:
        lasts_s = call.parts.settings.login_s
    description = call.body.text("description") or ("Login" if kind is TokenKind.LOGIN else "API token")
    record, secret = call.parts.accounts.issue_token(identity.user_id, description, lasts_s, kind)
    return Answer(shapes.authorization(record, identity, secret), 201)


def _who(call: PublicCall) -> tuple[Identity, TokenKind]:
    found = credentials_of(call.request)
    if found is None:
        raise Unauthorized("There are no credentials in this request.", "Send an e-mail address and a password.")
    identity = call.parts.accounts.identify(found.secret)
    if identity is not None:
        return identity, TokenKind.MANUAL
    if not found.user:
        raise Unauthorized("The token is not valid, or has expired.", "Log in with: portside login")
    return call.parts.accounts.sign_in(found.user, found.secret), TokenKind.LOGIN


@routes("GET", "/oauth/authorizations", Access.LOGGED_IN)
def list_authorizations(call: Call) -> Answer:
    page = call.page(_records(call), _KEYS)
    return listed(page, [_shape(call, record) for record in page.items], _KEYS)


@routes("GET", "/oauth/authorizations/~", Access.LOGGED_IN)
def show_own_authorization(call: Call) -> Answer:
    """The authorization of this request, without its secret: told here, Heroku's client would not end it."""
    return Answer(shapes.authorization(_own(call), call.identity, None))


@routes("DELETE", "/oauth/authorizations/~", Access.LOGGED_IN)
def end_own_authorization(call: Call) -> Answer:
    return _end(call, _own(call))


@routes("GET", "/oauth/authorizations/<authorization>", Access.LOGGED_IN)
def show_authorization(call: Call, authorization: str) -> Answer:
    return Answer(_shape(call, _record(call, authorization)))


@routes("DELETE", "/oauth/authorizations/<authorization>", Access.LOGGED_IN)
def end_authorization(call: Call, authorization: str) -> Answer:
    return _end(call, _record(call, authorization))


@routes("DELETE", "/oauth/sessions/~", Access.LOGGED_IN)
def end_session(call: Call) -> Answer:
    """Heroku's client asks for this first when it logs out; API tokens have no session of a browser behind them."""
    told = {"id": "not_found", "resource": "session", "message": "There is no session behind this token."}
    return Answer(told, 404)


def _end(call: Call, record: Token) -> Answer:
    shown = shapes.authorization(record, call.identity, None)
    call.parts.accounts.revoke(call.identity.user_id, record.id)
    return Answer(shown)


def _shape(call: Call, record: Token) -> shapes.Json:
    return shapes.authorization(record, call.identity, call.token if record.id == _own(call).id else None)


def _own(call: Call) -> Token:
    record = call.parts.accounts.token_of(call.token)
    if record is None:  # it ended while this request was on its way
        raise Unauthorized("The token is not valid, or has expired.", "Log in with: portside login")
    return record


def _records(call: Call) -> list[Token]:
    """The user's tokens but for browsers' sessions."""
    records = call.parts.accounts.tokens(call.identity.user_id)
    return [record for record in records if record.kind is not TokenKind.SESSION]


def _record(call: Call, wanted: str) -> Token:
    for record in _records(call):
        if record.id == wanted:
            return record
    raise NotFound("Couldn't find that authorization.")
