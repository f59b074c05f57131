"""Pulls from registries that do not do their part."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import docker
import pytest

from scheduler.docker_pull import pull
from tests.traces import free_ports

pytestmark = pytest.mark.engine

IMAGE = f"apps/shop@sha256:{'0' * 64}"


@pytest.fixture
def api() -> Iterator[docker.APIClient]:
    client = docker.APIClient(version="auto")
    yield client
    client.close()


def test_one_that_takes_connections_and_never_answers_is_given_up(api: docker.APIClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as registry:
        port = registry.getsockname()[1]
        assert pull(api, f"127.0.0.1:{port}/{IMAGE}", silence_s=1) == "nothing was heard of it for 1 s"


def test_one_that_is_not_there_is_told_in_the_engines_words(api: docker.APIClient) -> None:
    [port] = free_ports(1)
    assert "connection refused" in pull(api, f"127.0.0.1:{port}/{IMAGE}")
