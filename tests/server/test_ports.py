"""A port that is taken: who holds it, and which setting to change."""

from __future__ import annotations

import os
import socket

import pytest

from core.errors import UserError
from server.ports import Holder, Port, holder_of, near, refusal, require_free


def test_a_taken_port_is_refused_with_its_holder_and_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
        port = Port("api", "127.0.0.1", number, "PORTSIDE_WEB_PORT")
        with pytest.raises(UserError) as refused:
            require_free([port])
    assert f"Port {number} (api) is held by " in refused.value.message
    assert f"(pid {os.getpid()})" in refused.value.message
    assert "PORTSIDE_WEB_PORT=" in refused.value.hint


def test_a_free_port_passes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
    require_free([Port("api", "127.0.0.1", number, "PORTSIDE_WEB_PORT")])
    assert holder_of(number) == Holder()


def test_a_port_of_ipv6_is_another_than_that_of_ipv4() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
        require_free([Port("router", "::1", number, "PORTSIDE_ROUTER_HTTP_PORT")])
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        number = listener.getsockname()[1]
        taken = [Port("router", host, number, "PORTSIDE_ROUTER_HTTP_PORT") for host in ("::", "::1")]
        with pytest.raises(UserError) as refused:
            require_free(taken)
    assert refused.value.message.count("\n") == 0
    assert refused.value.hint.count("PORTSIDE_ROUTER_HTTP_PORT") == 1


def test_what_listens_everywhere_is_near_on_this_machine() -> None:
    assert [near(host) for host in ("0.0.0.0", "", "::", "192.0.2.1")] == ["127.0.0.1", "127.0.0.1", "::1", "192.0.2.1"]


def test_the_words_of_a_refusal() -> None:
    error = refusal(
        [
            (Port("router", "0.0.0.0", 8080, "PORTSIDE_ROUTER_HTTP_PORT"), Holder(812, "nginx")),
            (Port("registry", "127.0.0.1", 5050, "PORTSIDE_BUILDER_REGISTRY_URL", "127.0.0.1:{}"), Holder()),
        ]
    )
    assert str(error) == (
        "Port 8080 (router) is held by nginx (pid 812).\n"
        "Port 5050 (registry) is held by another program.\n"
        "Stop that program, or use other ports: PORTSIDE_ROUTER_HTTP_PORT=18080 "
        "PORTSIDE_BUILDER_REGISTRY_URL=127.0.0.1:15050 portside-server up"
    )
