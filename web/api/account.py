"""The account that asks, its SSH keys, its rate limit."""

from __future__ import annotations

from accounts import SshKey
from core import clock
from core.errors import NotFound
from web.api import ranges, shapes
from web.api.routing import Access, Answer, Call, Routes, listed

routes = Routes()

UNLIMITED = 4500
"""What `RateLimit-Remaining` says on every answer: Portside limits sign-ins, not requests, and clients need a number.
Heroku's own limit is 4500 an hour."""

_KEYS: ranges.Keys[SshKey] = {
    "id": lambda record: record.id,
    "created_at": lambda record: f"{clock.iso(record.created_at)}~{record.id}",
}


@routes("GET", "/account", Access.LOGGED_IN)
@routes("GET", "/users/~", Access.LOGGED_IN)
def show_account(call: Call) -> Answer:
    return Answer(shapes.account(call.identity))


@routes("GET", "/account/rate-limits", Access.LOGGED_IN)
def show_rate_limit(call: Call) -> Answer:
    return Answer({"remaining": UNLIMITED})


@routes("GET", "/account/keys", Access.LOGGED_IN)
def list_keys(call: Call) -> Answer:
    page = call.page(call.parts.accounts.keys(call.identity.user_id), _KEYS)
    return listed(page, [shapes.key(record, call.identity.email) for record in page.items], _KEYS)


@routes("POST", "/account/keys", Access.LOGGED_IN)
def add_key(call: Call) -> Answer:
    record = call.parts.accounts.add_key(call.identity.user_id, call.body.needed_text("public_key"))
    return Answer(shapes.key(record, call.identity.email), 201)


@routes("GET", "/account/keys/<path:key>", Access.LOGGED_IN)
def show_key(call: Call, key: str) -> Answer:
    return Answer(shapes.key(_key(call, key), call.identity.email))


@routes("DELETE", "/account/keys/<path:key>", Access.LOGGED_IN)
def remove_key(call: Call, key: str) -> Answer:
    record = _key(call, key)
    call.parts.accounts.remove_key(call.identity.user_id, record.id)
    return Answer(shapes.key(record, call.identity.email))


def _key(call: Call, wanted: str) -> SshKey:
    """By id or fingerprint."""
    for record in call.parts.accounts.keys(call.identity.user_id):
        if wanted in (record.id, record.fingerprint):
            return record
    raise NotFound("Couldn't find that key.", "See your keys: portside keys")
