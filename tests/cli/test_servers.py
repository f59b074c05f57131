"""Addresses as people write them."""

import pytest

from cli.errors import CliError
from cli.servers import normalise_server, sends_in_clear


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("paas.example.com", "https://paas.example.com"),
        ("https://PAAS.example.com:443/", "https://paas.example.com"),
        ("http://paas.example.com:80", "http://paas.example.com"),
        ("localhost:5000", "http://localhost:5000"),
        ("127.0.0.1:5000/", "http://127.0.0.1:5000"),
        ("http://[::1]:5000", "http://[::1]:5000"),
        ("paas.example.com:8443", "https://paas.example.com:8443"),
    ],
)
def test_one_form_for_each_server(written, kept):
    assert normalise_server(written) == kept


@pytest.mark.parametrize(
    "written", ["", "ftp://x", "https://", "https://x/path", "https://x:port", "https://x?y", "a b.c"]
)
def test_what_is_no_address_is_refused(written):
    with pytest.raises(CliError) as refused:
        normalise_server(written)
    assert refused.value.message == f"{written!r} is not the address of a server."


def test_an_address_with_a_password_is_refused_without_repeating_it():
    with pytest.raises(CliError) as refused:
        normalise_server("https://me:s3cr3t@paas.example.com")
    assert refused.value.message == "A server's address must not hold a user or a password."


def test_only_plain_http_to_elsewhere_is_in_clear():
    servers = ["http://paas.example.com", "https://paas.example.com", "http://127.0.0.1:5000", "http://x.localhost"]
    assert [sends_in_clear(server) for server in servers] == [True, False, False, False]
