"""Repositories, their refs, and their files as a build sees them."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import NotFound
from core.ids import AppId, new_id
from gitreceiver import repositories


@pytest.fixture
def stored(hall, client):
    """A function that brings the client's commits into the app's repository, under no name but a pin's."""

    def bring():
        repositories, app_id = hall.repositories, hall.app_id
        repositories.create(app_id)
        client.git("push", "--quiet", "--force", str(repositories.path(app_id)), "HEAD:refs/tags/bring")
        return client.head()

    return bring


def test_a_new_repository_is_bare_and_empty_with_head_at_main(hall):
    hall.repositories.create(hall.app_id)
    assert (hall.repositories.path(hall.app_id) / "HEAD").read_text() == "ref: refs/heads/main\n"
    assert hall.branch() is None


def test_many_may_create_it_at_once(hall):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: hall.repositories.create(hall.app_id), range(8)))
    assert [path.name for path in hall.repositories.root.iterdir()] == [f"{hall.app_id}.git"]


@pytest.mark.parametrize("name", ["../x", "shop", ""])
def test_only_an_id_has_a_path(hall, name):
    with pytest.raises(ValueError, match="not an app id"):
        hall.repositories.path(AppId(name))


def test_a_branch_moves_forward_and_back_only_by_force(hall, client, stored):
    first, second = client.commit(), client.commit("b.py")
    stored()
    move = hall.repositories.move_branch
    assert move(hall.app_id, "refs/heads/main", first, False)
    assert move(hall.app_id, "refs/heads/main", second, False)
    assert not hall.repositories.may_move(hall.app_id, "refs/heads/main", first)
    assert not move(hall.app_id, "refs/heads/main", first, False)
    assert hall.branch() == second
    assert move(hall.app_id, "refs/heads/main", first, True)
    assert hall.branch() == first


def test_of_many_moves_at_once_the_branch_never_goes_back(hall, client, stored):
    commits = [client.commit(content=f"{number}\n") for number in range(8)]
    stored()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda c: hall.repositories.move_branch(hall.app_id, "refs/heads/main", c, False), commits))
    assert hall.branch() == commits[-1]


def test_commits_are_resolved_from_ids_and_names(hall, client, stored):
    client.commit()
    commit = stored()
    hall.repositories.move_branch(hall.app_id, "refs/heads/main", commit, False)
    resolve = hall.repositories.resolve
    assert [resolve(hall.app_id, text) for text in (commit, commit[:7], "main", "bring", "main~0")] == [commit] * 5
    assert [resolve(hall.app_id, text) for text in ("nothing", "--all", "", "main..main", "a b", ":/x")] == [None] * 6


def test_the_subject_is_the_first_line(hall, client, stored):
    client.commit()
    client.git("commit", "--quiet", "--allow-empty", "-m", "Höchst wichtig\n\nwith a body")
    commit = stored()
    assert hall.repositories.commit_subject(hall.app_id, commit) == "Höchst wichtig"
    with pytest.raises(NotFound, match="There is no commit"):
        hall.repositories.commit_subject(hall.app_id, "1" * 40)


def test_prune_drops_what_nothing_holds(hall, client, stored):
    kept = client.commit()
    stored()
    hall.repositories.pin(hall.app_id, "a-push", kept)
    dropped = client.commit("b.py")
    stored()
    assert hall.repositories.replace_ref(hall.app_id, "refs/tags/bring", dropped, None)
    hall.repositories.prune(hall.app_id)
    assert hall.repositories.git(hall.app_id).types([kept, dropped]) == {kept: "commit"}
    hall.repositories.unpin(hall.app_id, "a-push")
    hall.repositories.prune(hall.app_id)
    assert hall.repositories.git(hall.app_id).types([kept]) == {}


@pytest.fixture
def packed(hall, stored):
    """As `stored`, with what is new in a pack of its own, as after a push of ours."""

    def bring():
        head = stored()
        subprocess.run(["git", "-C", hall.repositories.path(hall.app_id), "repack", "-d", "-q"], check=True)
        return head

    return bring


def test_many_packs_become_one_while_somebody_reads(hall, client, packed, monkeypatch):
    monkeypatch.setattr(repositories, "MOST_PACKS", 2)
    for number in range(3):
        assert not hall.repositories.is_scattered(hall.app_id)
        client.commit(f"{number}.py", content=f"{number}\n")
        head = packed()
    source = hall.repositories.source(hall.app_id, head)
    assert source.read("0.py") == b"0\n"
    assert hall.repositories.is_scattered(hall.app_id)
    hall.repositories.prune(hall.app_id)
    assert not hall.repositories.is_scattered(hall.app_id)
    assert [source.read(f"{number}.py") for number in range(3)] == [b"0\n", b"1\n", b"2\n"]
    assert len(list(hall.repositories.path(hall.app_id).glob("objects/pack/*.pack"))) == 1


def test_keep_pins_spares_the_named_and_the_young(hall, client, stored):
    commit = (client.commit(), stored())[1]
    path = hall.repositories.path(hall.app_id) / "refs/portside/pushes"
    for name in ("named", "old", "young"):
        hall.repositories.pin(hall.app_id, name, commit)
    for name in ("named", "old"):
        os.utime(path / name, (1, 1))
    hall.repositories.keep_pins(hall.app_id, ["named"])
    assert sorted(file.name for file in path.iterdir()) == ["named", "young"]


def test_an_abandoned_hold_is_dropped_by_prune(hall, client, stored):
    commit = (client.commit(), stored())[1]
    with hall.repositories.locked(hall.app_id):
        old, young = (hall.repositories.hold_arriving(hall.app_id, commit) for _ in range(2))
    os.utime(hall.repositories.path(hall.app_id) / old, (1, 1))
    hall.repositories.prune(hall.app_id)
    assert (hall.branch(old), hall.branch(young)) == (None, commit)


def test_a_forgotten_app_leaves_nothing(hall, client, stored):
    client.commit()
    stored()
    hall.repositories.forget_app(hall.app_id)
    hall.repositories.forget_app(hall.app_id)
    assert list(hall.repositories.root.iterdir()) == []
    hall.repositories.forget_app(AppId(new_id()))


def test_a_source_gives_files_with_their_modes(hall, client, stored):
    (client.path / "run.sh").write_text("#!/bin/sh\n")
    (client.path / "run.sh").chmod(0o755)
    (client.path / "link").symlink_to("run.sh")
    (client.path / os.fsdecode(b"caf\xe9")).write_bytes(b"latin")
    client.commit("deep/er/file.txt", "text\n")
    source = hall.repositories.source(hall.app_id, stored())
    found = {entry.path: (entry.mode, entry.size_bytes, entry.read()) for entry in source.entries()}
    assert found == {
        "run.sh": (0o100755, 10, b"#!/bin/sh\n"),
        "link": (0o120000, 6, b"run.sh"),
        os.fsdecode(b"caf\xe9"): (0o100644, 5, b"latin"),
        "deep/er/file.txt": (0o100644, 5, b"text\n"),
    }
    assert source.tree_id == client.git("rev-parse", "HEAD^{tree}").stdout.strip()
    assert set(source.paths()) == set(found)
    assert source.read("deep/er/file.txt") == b"text\n"
    assert source.read("deep") is None


def test_a_source_leaves_submodules_out(hall, client, stored):
    client.commit()
    client.git("update-index", "--add", "--cacheinfo", f"160000,{client.head()},module")
    client.git("commit", "--quiet", "-m", "Add a submodule")
    assert hall.repositories.source(hall.app_id, stored()).paths() == ("app.py",)


def test_a_source_outlives_a_prune(hall, client, stored):
    client.commit(content="kept\n")
    source = hall.repositories.source(hall.app_id, stored())
    assert source.paths() == ("app.py",)
    hall.repositories.prune(hall.app_id)
    assert source.read("app.py") == b"kept\n"
