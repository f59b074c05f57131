"""The bench measures what ships."""

from __future__ import annotations

import pytest

from bench.bed import defaults_of
from bench.cgit import cgi_environ
from tests.live import FAST


def test_every_setting_that_tests_shorten_is_put_back_to_what_ships() -> None:
    found = defaults_of(FAST)
    assert found.keys() == FAST.keys()
    assert (found["SCHEDULER_DRAIN_S"], found["LEASE_TTL_S"], found["RELEASES_KEEP"]) == (30.0, 12.0, 20)


def test_a_setting_that_is_gone_is_noticed() -> None:
    with pytest.raises(LookupError, match="SCHEDULER_GONE_S"):
        defaults_of(["SCHEDULER_GONE_S"])


def test_c_git_gets_no_length_so_that_it_reads_a_chunked_body_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_GIT_ROOT", "/srv")
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/a.git", "CONTENT_LENGTH": "5", "HTTP_GIT_PROTOCOL": "version=2"}
    found = cgi_environ(environ)
    assert (found["PATH_INFO"], found["GIT_PROTOCOL"], found["GIT_PROJECT_ROOT"]) == ("/a.git", "version=2", "/srv")
    assert "CONTENT_LENGTH" not in found
