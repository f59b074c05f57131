"""What a person sees who pushes with git: apps that go live, and pushes that change nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tests.acceptance.site import Site
from tests.background import eventually
from tests.live import LivePlatform

pytestmark = pytest.mark.platform

BUILDS_SLOWLY = "RUN echo the long step begins && sleep 60"


def test_a_python_app_goes_live_push_after_push_and_clones_back(new_site: Callable[..., Site]) -> None:
    site = new_site("python_tiny")
    first = site.push()
    assert first.code == 0, first.output
    assert "remote: -----> Python app detected" in first.output
    assert "remote: -----> Starting v1: web=1" in first.output
    assert "The disk of an instance is ephemeral" in first.output
    assert "remote: -----> Released v1" in first.output
    assert f"remote:        http://{site.name}.localhost:{site.platform.http} deployed" in first.output
    assert " * [new branch]      main -> main" in first.output
    assert site.platform.get(site.name).text == "hello from v1\n"

    (site.folder / "notes.txt").write_text("second\n")
    commit = site.platform.commit(site.folder, "second")
    second = site.push()
    assert second.code == 0, second.output
    assert "remote: -----> Released v2" in second.output
    assert "ephemeral" not in second.output
    assert re.search(r"remote:        done in \d+\.\d s \(.*(build|start|upload) \d+\.\d.*\)", second.output)
    steps = [step["name"] for step in json.loads(site.cli("builds", "--json").output)[0]["steps"]]
    assert steps[:2] == ["receive", "queue"]
    assert {"detect", "build", "upload", "start", "health", "switch"} <= set(steps)
    assert site.platform.get(site.name).text == "hello from v2\n"
    assert [container.version for container in site.containers() if container.version == 2] == [2]

    about = json.loads(site.cli("info", "--json").output)
    assert about["web_url"].rstrip("/") == f"http://{site.name}.localhost:{site.platform.http}"
    copy = site.folder.with_name(f"{site.name}-copy")
    assert site.git("clone", "--quiet", about["git_url"], str(copy)).code != 0, "without a token nobody clones"
    assert site.git("clone", "--quiet", "--config", *_helper(site), about["git_url"], str(copy)).code == 0
    assert site.platform.git(copy, "symbolic-ref", "--short", "HEAD").output == "main\n"
    assert site.platform.git(copy, "rev-parse", "HEAD").output.strip() == commit
    assert (copy / "notes.txt").read_text() == "second\n"


def _helper(site: Site) -> list[str]:
    """The credential helper that `portside create` gave the repository, as a setting for another one."""
    key, value = site.git("config", "--get-regexp", r"^credential\..*\.helper$").output.splitlines()[-1].split(" ", 1)
    return [f"{key}={value}"]


def test_a_dockerfile_app_listens_on_the_port_that_it_exposes(live_site: Site) -> None:
    answer = live_site.answer()
    head = live_site.git("rev-parse", "HEAD").output.strip()
    assert (answer["words"], answer["port"], answer["release"]) == ("one", "8000", "v1")
    assert (answer["app"], answer["commit"]) == (live_site.name, head)
    assert [found.process for found in live_site.containers()] == ["web.1"]
    assert live_site.versions() == [(1, "succeeded")]


def test_a_failing_build_says_why_and_changes_nothing(live_site: Site) -> None:
    good = live_site.branch()
    bad = live_site.build_also("RUN echo the paint is wet && exit 3")
    done = live_site.push()
    assert done.code == 1
    said, _, verdict = done.output.partition(" ! [remote rejected] main -> main (build failed)")
    assert verdict, done.output
    assert "the paint is wet" in said
    assert "exit code: 3" in said or "exit code 3" in said
    assert live_site.branch() == good != bad
    assert live_site.answer()["words"] == "one"
    assert live_site.versions() == [(1, "succeeded")]
    assert [container.version for container in live_site.containers()] == [1]
    mended = live_site.git("reset", "--quiet", "--hard", "HEAD~1")
    assert mended.code == 0
    live_site.write("two")
    assert live_site.push().code == 0, "after a rejected push the next one is a plain push"
    assert live_site.answer()["words"] == "two"


def test_an_app_that_exits_at_once_shows_its_last_lines_and_changes_nothing(live_site: Site) -> None:
    good = live_site.branch()
    live_site.start_with("perl -e 'print qq(no oil in the lamp\\n); exit 7'")
    done = live_site.push()
    assert done.code == 1
    said, _, verdict = done.output.partition(" ! [remote rejected] main -> main (deploy failed)")
    assert verdict, done.output
    assert "no oil in the lamp" in said
    assert "web.1 exited with code 7" in said
    _assert_still_one(live_site, good)


def test_an_app_where_nothing_listens_shows_its_last_lines_and_changes_nothing(live_site: Site) -> None:
    good = live_site.branch()
    live_site.start_with("perl -e '$| = 1; print qq(thinking about it\\n); sleep 600'")
    done = live_site.push()
    assert done.code == 1
    said, _, verdict = done.output.partition(" ! [remote rejected] main -> main (deploy failed)")
    assert verdict, done.output
    assert "thinking about it" in said
    assert "8000" in said, "it says where it was expected to listen"
    _assert_still_one(live_site, good)


def _assert_still_one(site: Site, good: str) -> None:
    assert site.branch() == good
    assert site.versions() == [(2, "failed"), (1, "succeeded")]
    assert [container.version for container in site.containers()] == [1]
    assert site.answer()["words"] == "one"


def test_a_forced_push_deploys(live_site: Site) -> None:
    (live_site.folder / "words").write_text("rewritten\n")
    live_site.git("commit", "--quiet", "--all", "--amend", "--message", "rewritten")
    refused = live_site.push()
    assert refused.code == 1
    assert "[rejected]" in refused.output
    assert live_site.answer()["words"] == "one"
    forced = live_site.push("--force", "portside", "main")
    assert forced.code == 0, forced.output
    assert "(forced update)" in forced.output
    assert live_site.answer()["words"] == "rewritten"
    assert live_site.branch() == live_site.git("rev-parse", "HEAD").output.strip()


def test_only_the_deploy_branches_deploy_and_they_stay(live_site: Site) -> None:
    good = live_site.branch()
    commit = live_site.write("two")
    other = live_site.push("portside", "main:feature/lamp")
    assert other.code == 0, other.output
    assert "-----> Branch feature/lamp stored; only main and master deploy" in other.output
    assert live_site.branch("feature/lamp") == commit
    live_site.git("tag", "v1.0")
    tagged = live_site.push("portside", "v1.0")
    assert "-----> Tag v1.0 stored; only main and master deploy" in tagged.output
    deleted = live_site.push("portside", "--delete", "main")
    assert deleted.code == 1
    assert "! [remote rejected] main (the deploy branch can't be deleted)" in deleted.output
    assert "portside destroy" in deleted.output
    both = live_site.push("portside", "main", "main:master")
    assert both.code == 1
    assert "! [remote rejected] main -> main (main and master in one push)" in both.output
    assert "! [remote rejected] main -> master (main and master in one push)" in both.output
    assert "git push portside main" in both.output
    assert live_site.branch() == good
    assert live_site.versions() == [(1, "succeeded")]
    master = live_site.push("portside", "main:master")
    assert master.code == 0, master.output
    assert live_site.answer()["words"] == "two"


def test_a_tree_that_was_built_is_not_built_again_unless_asked_for(live_site: Site) -> None:
    live_site.build_also("RUN echo the step runs")
    built = live_site.push()
    assert "the step runs\n" in _unpadded(built.output)
    live_site.git("revert", "--no-edit", "HEAD")
    reverted = live_site.push()
    assert reverted.code == 0, reverted.output
    assert "reusing its image" in reverted.output
    assert "COPY" not in reverted.output
    answer = live_site.answer()
    assert (answer["words"], answer["release"], answer["commit"]) == ("one", "v3", live_site.branch())
    live_site.git("revert", "--no-edit", "HEAD")
    again = live_site.push()
    assert "reusing its image" in again.output
    live_site.platform.commit(live_site.folder, "nothing new")
    rebuilt = live_site.push("-o", "rebuild", "portside", "main")
    assert rebuilt.code == 0, rebuilt.output
    assert "reusing" not in rebuilt.output
    assert "the step runs\n" in _unpadded(rebuilt.output)
    assert live_site.answer()["release"] == "v5"


def _unpadded(output: str) -> str:
    """git pads each remote line with spaces, to clear what a terminal showed there."""
    return "".join(f"{line.rstrip()}\n" for line in output.splitlines())


def test_ctrl_c_leaves_and_the_deploy_goes_on(live_site: Site) -> None:
    (live_site.folder / "words").write_text("two\n")
    commit = live_site.build_also("RUN echo a moment please && sleep 4")
    with live_site.pushing() as push:
        push.says("a moment please")
        push.interrupt()
        assert push.ended().code != 0
    assert live_site.answer()["words"] == "one"
    eventually(lambda: live_site.answer()["words"] == "two", "the deploy that nobody watches goes live")
    eventually(lambda: live_site.branch() == commit, "the branch follows")
    assert "Everything up-to-date" in live_site.push().output


def test_a_newer_push_supersedes_a_queued_one_and_a_build_can_be_cancelled(live_site: Site) -> None:
    live_site.build_also(BUILDS_SLOWLY)
    with live_site.pushing() as slow:
        slow.says("the long step begins")
        live_site.git("reset", "--quiet", "--hard", "HEAD~1")
        live_site.write("queued")
        with live_site.pushing() as queued:
            eventually(lambda: _pushes(live_site) == 3, "it is received")
            live_site.write("newest")
            with live_site.pushing() as newest:
                superseded = queued.ended()
                assert superseded.code == 1
                assert "Superseded by a newer push" in superseded.output
                assert "! [remote rejected] main -> main (superseded" in superseded.output
                assert slow.running, "what builds is not superseded"
                cancelling = live_site.cli("builds:cancel")
                assert cancelling.code == 0, cancelling.output
                cancelled = slow.ended()
                assert cancelled.code == 1
                assert "! [remote rejected] main -> main (cancelled)" in cancelled.output
                done = newest.ended()
    assert done.code == 0, done.output
    assert live_site.answer()["words"] == "newest"
    assert live_site.versions() == [(2, "succeeded"), (1, "succeeded")]


def _pushes(site: Site) -> int:
    return len(json.loads(site.cli("builds", "--json").output))


def test_a_wrong_token_and_a_wrong_name_are_told_plainly(site: Site, platform: LivePlatform) -> None:
    address = f"127.0.0.1:{platform.api}/{site.name}.git"
    wrong = site.push(f"http://me:not-a-token@{address}", "main")
    assert wrong.code != 0
    assert "remote: That token is not valid." in wrong.output
    assert "portside login" in wrong.output
    assert "not-a-token" not in wrong.output
    nobody = site.git("-c", "credential.helper=", "push", f"http://{address}", "main")
    assert nobody.code != 0
    assert "could not read Password" in nobody.output
    helper, remote = _helper(site)[0], f"http://127.0.0.1:{platform.api}/no-such-app.git"
    lost = site.git("-c", helper, "push", remote, "main")
    assert lost.code != 0
    assert f"remote: There is no app no-such-app that {platform.email} may see." in lost.output
    assert "portside apps" in lost.output
