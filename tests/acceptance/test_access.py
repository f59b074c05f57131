"""Another user of the same platform: an app that is not theirs does not exist for them, whichever way they come."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.acceptance.site import Site
from tests.live import BIN, Done, run

pytestmark = pytest.mark.platform


class Stranger:
    """A user who has no part in the app."""

    def __init__(self, site: Site) -> None:
        self.email = f"stranger-{secrets.token_hex(3)}@example.com"
        self.env = site.platform.person(self.email)
        self._site = site
        kept = json.loads((Path(self.env["HOME"]) / ".config/portside/credentials.json").read_text())
        self.token: str = kept["servers"][site.platform.api_url]["token"]

    def cli(self, *arguments: str) -> Done:
        return run([str(BIN / "portside"), *arguments], self.env, Path(self.env["HOME"]))

    def git(self, *arguments: str, **env: str) -> Done:
        return run(["git", *arguments], self.env | env, self._site.folder)

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.heroku+json; version=3"}
        url = f"{self._site.platform.api_url}/apps/{self._site.name}{path}"
        return httpx.request(method, url, headers=headers, json=body, timeout=30, trust_env=False)


@pytest.fixture
def stranger(live_site: Site) -> Stranger:
    live_site.write("two")
    assert live_site.push().code == 0
    return Stranger(live_site)


def test_over_http_and_the_command_it_is_not_there(live_site: Site, stranger: Stranger) -> None:
    lost = f"There is no app {live_site.name} that {stranger.email} may see."
    address = f"http://me:{stranger.token}@127.0.0.1:{live_site.platform.api}/{live_site.name}.git"
    for command in (["push", address, "main"], ["ls-remote", address]):
        done = stranger.git(*command)
        assert done.code != 0
        assert lost in done.output
        assert stranger.token not in done.output
    assert stranger.cli("apps", "--json").output == "[]\n"
    for words in (["info"], ["rollback", "v1"], ["config"], ["config:set", "A=1"], ["ps:scale", "web=0"], ["logs"]):
        done = stranger.cli(*words, "-a", live_site.name)
        assert done.code == 1
        assert "no app" in done.output or "Couldn't find" in done.output, (words, done.output)
    assert stranger.cli("destroy", "--confirm", live_site.name).code == 1
    taken = stranger.cli("create", live_site.name)
    assert taken.code == 1
    assert "taken" in taken.output
    _assert_untouched(live_site)


def test_over_the_api_it_is_not_there(live_site: Site, stranger: Stranger) -> None:
    asked = {
        ("GET", ""): None,
        ("PATCH", ""): {"name": "mine-now"},
        ("DELETE", ""): None,
        ("GET", "/releases"): None,
        ("POST", "/releases"): {"release": "v1"},
        ("GET", "/releases/1"): None,
        ("GET", "/config-vars"): None,
        ("PATCH", "/config-vars"): {"A": "1"},
        ("GET", "/dynos"): None,
        ("DELETE", "/dynos"): None,
        ("PATCH", "/formation"): {"updates": [{"type": "web", "quantity": 0}]},
        ("GET", "/builds"): None,
        ("POST", "/builds"): {"commit": live_site.branch()},
        ("DELETE", "/builds"): None,
        ("POST", "/log-sessions"): {"lines": 10},
    }
    answers = {call: stranger.ask(*call, body) for call, body in asked.items()}
    assert {call: answer.status_code for call, answer in answers.items()} == dict.fromkeys(asked, 404)
    assert {answer.json()["id"] for answer in answers.values()} == {"not_found"}
    _assert_untouched(live_site)


def test_over_ssh_it_is_not_there(live_site: Site, stranger: Stranger, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    assert stranger.cli("keys:add", f"{key}.pub").code == 0
    ssh = f"ssh -F none -i {key} -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=accept-new"
    ssh += f" -o UserKnownHostsFile={tmp_path / 'known_hosts'}"
    address = f"ssh://git@127.0.0.1:{live_site.platform.ssh}/{live_site.name}.git"
    for command in (["push", address, "main"], ["ls-remote", address]):
        done = stranger.git(*command, GIT_SSH_COMMAND=ssh)
        assert done.code != 0
        assert f"There is no app {live_site.name} that {stranger.email} may see." in done.output
    _assert_untouched(live_site)


def _assert_untouched(site: Site) -> None:
    assert site.versions() == [(2, "succeeded"), (1, "succeeded")]
    assert site.answer()["words"] == "two"
    assert json.loads(site.cli("config", "--json").output) == {}
    assert [found.process for found in site.containers() if found.version == 2] == ["web.1"]
