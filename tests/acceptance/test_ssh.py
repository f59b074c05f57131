"""The same pushes over SSH, with OpenSSH's own client and a fresh key."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.site import Site
from tests.live import Done, LivePlatform, run

pytestmark = pytest.mark.platform


@pytest.fixture
def key(tmp_path: Path, platform: LivePlatform) -> Iterator[Path]:
    """A key pair of the platform's user, whose public half the platform knows."""
    path = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.parent.name, "-f", path], check=True)
    added = platform.cli("keys:add", f"{path}.pub")
    assert added.code == 0, added.output
    assert "SHA256:" in added.output
    yield path
    platform.cli("keys:remove", path.parent.name)


def ssh_command(key: Path) -> list[str]:
    ours = ["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-F", "none"]
    known = ["-o", "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={key.parent / 'known_hosts'}"]
    return ["ssh", *ours, *known, "-i", str(key)]


def git(site: Site, key: Path, *arguments: str, cwd: Path | None = None) -> Done:
    people = site.platform.people | {"GIT_SSH_COMMAND": " ".join(ssh_command(key))}
    return run(["git", *arguments], people, cwd or site.folder)


def test_a_push_over_ssh_is_the_same_push(site: Site, key: Path) -> None:
    url = f"ssh://git@127.0.0.1:{site.platform.ssh}/{site.name}.git"
    first = git(site, key, "push", url, "main")
    assert first.code == 0, first.output
    assert "remote: -----> Dockerfile detected" in first.output
    assert "remote: -----> Released v1" in first.output
    assert f"remote:        http://{site.name}.localhost:{site.platform.http} deployed" in first.output
    assert " * [new branch]      main -> main" in first.output
    assert site.answer()["words"] == "one"

    site.build_also("RUN echo the paint is wet && exit 3")
    bad = git(site, key, "push", url, "main")
    assert bad.code == 1
    assert "the paint is wet" in bad.output
    assert "! [remote rejected] main -> main (build failed)" in bad.output
    assert site.answer()["words"] == "one"

    copy = key.parent / "copy"
    cloned = git(site, key, "clone", "--quiet", url, str(copy))
    assert cloned.code == 0, cloned.output
    assert (copy / "words").read_text() == "one\n"
    assert git(site, key, "symbolic-ref", "--short", "HEAD", cwd=copy).output == "main\n"
    assert git(site, key, "rev-parse", "HEAD", cwd=copy).output.strip() == site.branch()


def test_ssh_gives_git_and_nothing_else(site: Site, key: Path, platform: LivePlatform) -> None:
    door = [*ssh_command(key), "-p", str(platform.ssh), "git@127.0.0.1"]
    for words in ([], ["ls"], ["cat", "/etc/passwd"]):
        done = run([*door, *words], platform.people)
        assert done.code == 1
        assert f"Hi {platform.email}! You are authenticated, but Portside gives no shell." in done.output
        assert "root:" not in done.output
    lost = git(site, key, "push", f"ssh://git@127.0.0.1:{platform.ssh}/no-such-app.git", "main")
    assert lost.code != 0
    assert f"There is no app no-such-app that {platform.email} may see." in lost.output


def test_an_unknown_key_is_not_let_in(site: Site, platform: LivePlatform, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger], check=True)
    done = git(site, stranger, "push", f"ssh://git@127.0.0.1:{platform.ssh}/{site.name}.git", "main")
    assert done.code != 0
    assert "Permission denied (publickey)" in done.output
    assert site.platform.releases(site.name) == []
