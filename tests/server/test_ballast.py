"""The file that gives room to what must work on a full disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server import ballast
from server.site import Site, read_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return read_site({"PORTSIDE_HOME": str(tmp_path)})


def ballast_of(site: Site) -> Path:
    return site.home / ballast.FILE


def test_it_is_laid_after_the_block_and_takes_real_room(site: Site) -> None:
    with ballast.dropped(site):
        assert not ballast_of(site).exists()
    assert ballast_of(site).stat().st_blocks * 512 >= ballast.SIZE_BYTES


def test_the_block_has_its_room_and_a_block_that_fails_gives_it_back(site: Site) -> None:
    with ballast.dropped(site):
        pass
    with pytest.raises(RuntimeError):
        _fail_with_its_room(site)
    assert ballast_of(site).exists()


def _fail_with_its_room(site: Site) -> None:
    with ballast.dropped(site):
        assert not ballast_of(site).exists()
        raise RuntimeError


def test_on_a_disk_that_is_nearly_full_it_stays_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    little: Any = lambda _: type("Usage", (), {"free": ballast.SIZE_BYTES})()  # noqa: E731
    monkeypatch.setattr("server.ballast.shutil.disk_usage", little)
    with ballast.dropped(site):
        pass
    assert not ballast_of(site).exists()


def test_where_there_is_no_home_yet_nothing_is_laid(tmp_path: Path) -> None:
    site = read_site({"PORTSIDE_HOME": str(tmp_path / "new")})
    with ballast.dropped(site):
        pass
    assert not site.home.exists()
