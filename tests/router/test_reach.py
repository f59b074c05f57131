"""Whether a host leads here, told in words."""

from __future__ import annotations

import socket

import pytest

from router.reach import Reach, addresses
from tests.router.test_acme_authority import Answers


@pytest.fixture
def answers():
    served = Answers()
    yield served
    served.shutdown()
    served.server_close()


def nowhere(host: str) -> list[str]:
    raise socket.gaierror


def test_a_host_at_which_the_token_is_found_is_in_no_trouble(answers):
    answers.found["token"] = "answer"
    assert Reach(answers.server_port, lambda host: ["127.0.0.1"]).trouble("a.example", "token", "answer") == ""


def test_a_host_without_a_record_is_told_to_get_one():
    told = Reach(80, nowhere).trouble("a.example", "token", "answer")
    assert told == "a.example does not resolve: give it a DNS record that leads to this server."


def test_one_of_several_addresses_that_leads_elsewhere_is_named(answers):
    answers.found["token"] = "answer"
    port = answers.server_port
    told = Reach(port, lambda host: ["127.0.0.1", "127.0.0.9"]).trouble("a.example", "token", "answer")
    assert told == (
        f"a.example leads to 127.0.0.9, where port {port} does not answer (Connection refused): "
        "lead it to this server's router."
    )


def test_another_server_is_told_from_ours(answers):
    told = Reach(answers.server_port, lambda host: ["127.0.0.1"]).trouble("a.example", "token", "answer")
    assert told == (
        "a.example leads to 127.0.0.1, which answers with 200 and is not this server's router: change its DNS record."
    )


def test_names_below_localhost_are_this_machine():
    assert addresses("shop.localhost") == ["127.0.0.1"]
