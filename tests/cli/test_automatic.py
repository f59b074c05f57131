"""Automatic certificates from the command line."""

from __future__ import annotations

import json

PATH = "/apps/demo/acm"
NEVER = {"next_at": None, "certificate": None, "expires_at": None, "reason": None}
HOSTS = [
    {"hostname": "demo.example.com", "state": "issued", **NEVER, "expires_at": "2026-03-01T00:00:00Z"},
    {
        "hostname": "www.example.com", "state": "failing", **NEVER, "reason": "www.example.com does not resolve.",
        "next_at": "2026-01-02T00:05:00Z",
    },
]  # fmt: skip
SHOWN = (
    "DOMAIN            STATUS   EXPIRES               WHY\n"
    "demo.example.com  issued   2026-03-01T00:00:00Z\n"
    "www.example.com   FAILING  -                     "
    "www.example.com does not resolve. Next attempt: 2026-01-02T00:05:00Z\n"
)


def test_each_domain_is_shown_with_its_reason(invoke, logged_in):
    logged_in.answers["GET", PATH] = {"enabled": True, "hosts": HOSTS}
    assert invoke("certs:auto", "-a", "demo").stdout == SHOWN
    assert json.loads(invoke("certs:auto", "--json", "-a", "demo").stdout) == {"enabled": True, "hosts": HOSTS}


def test_it_is_switched_in_three_spellings(invoke, logged_in):
    logged_in.answers["POST", PATH] = (201, {}, {})
    logged_in.answers["GET", PATH] = {"enabled": True, "hosts": HOSTS}
    for words in (("certs:auto", "enable"), ("certs:auto:enable",), ("certs", "auto", "enable")):
        logged_in.requests.clear()
        assert invoke(*words, "-a", "demo").stdout == SHOWN
        assert [(verb, path) for verb, path, *_ in logged_in.requests] == [("POST", PATH), ("GET", PATH)]


def test_it_is_switched_off_and_failures_are_tried_again(invoke, logged_in):
    logged_in.answers["DELETE", PATH] = {}
    logged_in.answers["PATCH", PATH] = (202, {}, {})
    logged_in.answers["GET", PATH] = {"enabled": False, "hosts": []}
    off = invoke("certs:auto", "disable", "-a", "demo")
    assert (off.stdout, off.stderr) == ("off\n", "Turn it on: portside certs:auto enable\n")
    invoke("certs:auto", "refresh", "-a", "demo")
    assert [request[0] for request in logged_in.requests] == ["DELETE", "GET", "PATCH", "GET"]
