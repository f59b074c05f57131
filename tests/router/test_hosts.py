"""Which host names are right ones, and what people are told about the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from router.hosts import check_label, custom_host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("www.example.com", "www.example.com"),
        ("WWW.Example.COM.", "www.example.com"),
        (" shop.example.com ", "shop.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("apps.test", "apps.test"),
        ("a.b.apps.test", "a.b.apps.test"),
        ("*.Example.com", "*.example.com"),
        ("*.sub.apps.test", "*.sub.apps.test"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example.", "xn--bcher-kva.example"),
        ("*.bücher.example", "*.xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
    ],
)
def test_a_right_host_is_kept_in_lower_case(text, host):
    assert custom_host(text, "apps.test") == host


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://example.com", "more than a host name"),
        ("example.com:80", "more than a host name"),
        ("example.com/path", "more than a host name"),
        ("a.*.example.com", "star in another place"),
        ("*", "star in another place"),
        ("*.com", "not a full host name"),
        ("*.apps.test", "covers the names of all apps"),
        ("bü cher.example", "is not a host name: "),
        ("ü" * 64 + ".example", "is not a host name: "),
        ("example.com/ü", "is not a host name: "),
        ("example", "not a full host name"),
        ("", "not a full host name"),
        ("exa mple.com", "not a full host name"),
        ("a..example.com", "not a full host name"),
        ("-a.example.com", "not a full host name"),
        ("a.example.com\nadd map", "not a full host name"),
        ("a;b.example.com", "not a full host name"),
        ("a" * 64 + ".example.com", "not a full host name"),
        (".".join(["a" * 60] * 5), "not a full host name"),
        ("10.0.0.1", "an address"),
        ("shop.apps.test", "it belongs to the app called shop"),
    ],
)
def test_a_wrong_host_is_refused_with_what_is_wrong(text, words):
    with pytest.raises(UserError) as caught:
        custom_host(text, "apps.test")
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("label", ["", "Shop", "a.b", "-a", "a-", "a b", "a" * 64, "a\n", "ä"])
def test_a_wrong_label_is_refused(label):
    with pytest.raises(UserError, match="can't be part of a host name"):
        check_label(label)


@given(st.text())
def test_whatever_passes_is_safe_in_a_map_and_in_a_command(text):
    try:
        host = custom_host(text, "apps.test")
    except UserError:
        return
    assert set(host.removeprefix("*.")) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
