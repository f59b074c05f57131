"""A destroyed app leaves nothing, and whoever takes its name inherits nothing."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.acceptance.site import Site
from tests.background import eventually

pytestmark = pytest.mark.platform


def repositories(site: Site) -> list[str]:
    return [path.name for path in (site.platform.home / "repos").glob("*.git")]


def id_of(site: Site) -> str:
    return str(json.loads(site.cli("info", "--json").output)["id"])


def tags_in_registry(site: Site, app_id: str) -> object:
    address = f"http://127.0.0.1:{site.platform.registry}/v2/apps/{app_id}/tags/list"
    return httpx.get(address, trust_env=False).json().get("tags")


def test_a_name_has_to_be_confirmed(site: Site) -> None:
    refused = site.platform.cli("destroy", "--confirm", "another", "-a", site.name)
    assert refused.code != 0
    assert site.platform.cli("info", "-a", site.name).code == 0


def test_everything_of_it_goes_and_its_name_is_free(live_site: Site) -> None:
    assert live_site.cli("config:set", "SECRET=of-the-first").code == 0
    old_id = id_of(live_site)
    repository = f"{old_id}.git"
    assert repository in repositories(live_site)
    assert tags_in_registry(live_site, old_id) == ["v1", "v2"]
    done = live_site.platform.cli("destroy", "--confirm", live_site.name)
    assert done.code == 0, done.output
    assert live_site.platform.cli("info", "-a", live_site.name).code != 0
    eventually(lambda: live_site.containers() == [], "its containers are gone")
    eventually(lambda: repository not in repositories(live_site), "its repository is gone")
    eventually(lambda: not tags_in_registry(live_site, old_id), "its images are gone")
    assert live_site.platform.get(live_site.name).status_code == 404

    created = live_site.platform.cli("create", live_site.name, "--json", cwd=live_site.platform.folder)
    assert created.code == 0, created.output
    assert "of-the-first" not in live_site.platform.cli("config", "-a", live_site.name).output
    assert live_site.platform.get(live_site.name).status_code == 503
