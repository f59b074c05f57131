"""Pushing over HTTP with the real git command."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.programs


def leftovers(hall):
    """What a finished push must not leave in the repository."""
    path = hall.repositories.path(hall.app_id)
    return [*path.glob("objects/incoming-*"), *(path / "refs").rglob("*.lock"), *path.glob("refs/portside/arriving/*")]


def test_a_push_streams_the_log_and_moves_the_branch(hall, accepting, serve_http, client):
    commit = client.commit()
    done = client.push(f"{serve_http(accepting)}/shop.git", "main")
    assert done.returncode == 0, done.stderr
    assert "remote: -----> Python app detected" in done.stderr
    assert "remote: -----> Released v1 " in done.stderr.replace("\n", " ")  # colours and bells are gone
    assert "* [new branch]      main -> main" in done.stderr
    assert hall.branch() == commit
    (app_id, identity, update, options) = accepting.received[0]
    assert (app_id, identity, options) == (hall.app_id, hall.ada, ())
    assert (update.ref, update.old, update.new, update.forced) == ("refs/heads/main", None, commit, False)
    assert leftovers(hall) == []


def test_a_second_push_sends_a_thin_pack_and_tells_the_old_commit(hall, accepting, serve_http, client):
    url = f"{serve_http(accepting)}/shop.git"
    text = "".join(f"line {number}\n" for number in range(2000))
    first = client.commit("long.txt", text)
    client.push(url, "main")
    second = client.commit("long.txt", text + "one more\n")
    assert client.push(url, "main").returncode == 0
    update = accepting.received[1][2]
    assert (update.old, update.new, update.forced) == (first, second, False)
    assert hall.branch() == second


def test_a_failed_deploy_is_rejected_with_its_reason_and_the_branch_stays(hall, rejecting, serve_http, client):
    client.commit()
    url = f"{serve_http(rejecting)}/shop.git"
    done = client.push(url, "main")
    assert done.returncode == 1
    bare = url.replace(f"ada:{hall.token}@", "")
    lines = [line.rstrip() for line in done.stderr.splitlines()]
    assert lines == [
        "remote: -----> Building",
        "remote:  !     pip could not find flask==99",
        f"To {bare}",
        " ! [remote rejected] main -> main (build failed)",
        f"error: failed to push some refs to '{bare}'",
    ]
    assert hall.branch() is None


def test_a_desk_that_refuses_is_quoted(closed, serve_http, client):
    client.commit()
    done = client.push(f"{serve_http(closed)}/shop.git", "main")
    assert "remote:  !     main: deploys are paused" in done.stderr
    assert "remote:  !     Resume them: portside resume" in done.stderr
    assert "! [remote rejected] main -> main (deploys are paused)" in done.stderr


def test_another_branch_and_a_tag_are_stored_and_said_so(hall, accepting, serve_http, client):
    commit = client.commit()
    client.git("tag", "-a", "v1.0", "-m", "one")
    done = client.push(f"{serve_http(accepting)}/shop.git", "main:refs/heads/feature/x", "v1.0")
    assert done.returncode == 0, done.stderr
    assert "remote: -----> Branch feature/x stored; only main and master deploy" in done.stderr
    assert "remote: -----> Tag v1.0 stored; only main and master deploy" in done.stderr
    assert hall.branch("refs/heads/feature/x") == commit
    assert hall.branch("refs/tags/v1.0") is not None
    assert accepting.received == []


def test_a_branch_and_main_in_one_push_are_each_treated_as_alone(hall, accepting, serve_http, client):
    commit = client.commit()
    done = client.push(f"{serve_http(accepting)}/shop.git", "main", "main:other")
    assert done.returncode == 0, done.stderr
    assert hall.branch() == hall.branch("refs/heads/other") == commit
    assert len(accepting.received) == 1


def test_other_branches_can_be_deleted(hall, accepting, serve_http, client):
    client.commit()
    url = f"{serve_http(accepting)}/shop.git"
    client.push(url, "main:feature")
    done = client.push(url, "--delete", "feature")
    assert done.returncode == 0, done.stderr
    assert "remote: -----> Branch feature deleted" in done.stderr
    assert hall.branch("refs/heads/feature") is None


def test_a_deleted_branch_makes_room_for_a_shorter_name(hall, accepting, serve_http, client):
    commit = client.commit()
    url = f"{serve_http(accepting)}/shop.git"
    client.push(url, "main:feature/x")
    client.push(url, "--delete", "feature/x")
    done = client.push(url, "main:feature")
    assert done.returncode == 0, done.stderr
    assert hall.branch("refs/heads/feature") == commit


def test_the_deploy_branch_cannot_be_deleted(hall, accepting, serve_http, client):
    commit = client.commit()
    url = f"{serve_http(accepting)}/shop.git"
    client.push(url, "main")
    done = client.push(url, "--delete", "main")
    assert "! [remote rejected] main (the deploy branch can't be deleted)" in done.stderr
    assert hall.branch() == commit


def test_main_and_master_in_one_push_are_refused(hall, accepting, serve_http, client):
    client.commit()
    done = client.push(f"{serve_http(accepting)}/shop.git", "main", "main:master")
    assert "! [remote rejected] main -> main (main and master in one push)" in done.stderr
    assert "! [remote rejected] main -> master (main and master in one push)" in done.stderr
    assert "remote:  !     main and master both deploy. Push one of them: git push portside main" in done.stderr
    assert accepting.received == []
    assert leftovers(hall) == []


def test_master_deploys_and_a_clone_checks_it_out(hall, accepting, serve_http, client, new_client):
    commit = client.commit()
    url = f"{serve_http(accepting)}/shop.git"
    client.push(url, "main:master")
    other = new_client("other")
    other.git("clone", "--quiet", url, ".")
    assert other.head() == commit
    assert other.git("branch", "--show-current").stdout.strip() == "master"


def test_a_forced_push_is_flagged_and_deploys(hall, accepting, serve_http, client):
    url = f"{serve_http(accepting)}/shop.git"
    first = client.commit()
    client.push(url, "main")
    client.git("commit", "--quiet", "--amend", "-m", "Another history")
    assert client.push(url, "main").returncode == 1  # git itself sees that it must be forced
    assert client.push("--force", url, "main").returncode == 0
    update = accepting.received[-1][2]
    assert (update.old, update.new, update.forced) == (first, client.head(), True)
    assert hall.branch() == client.head()


def test_push_options_reach_the_desk(accepting, serve_http, client):
    client.commit()
    client.push("-o", "rebuild", "-o", "note=é", f"{serve_http(accepting)}/shop.git", "main")
    assert accepting.received[0][3] == ("rebuild", "note=é")


def test_a_push_over_one_megabyte_is_probed_and_chunked(hall, accepting, serve_http, client, noise):
    commit = client.commit("big.bin", noise(2.5))
    done = client.push(f"{serve_http(accepting)}/shop.git", "main")
    assert done.returncode == 0, done.stderr
    assert hall.branch() == commit


def test_a_pack_over_the_limit_is_refused_readably(hall, accepting, serve_http, client, noise):
    client.commit("big.bin", noise(6))
    done = client.push(f"{serve_http(accepting)}/shop.git", "main")
    assert "remote:  !     main: the pack is bigger than 4 MB" in done.stderr
    assert "! [remote rejected] main -> main (the pack is bigger than 4 MB)" in done.stderr
    assert leftovers(hall) == []


def test_without_room_on_the_disk_a_push_is_refused_before_it_is_stored(hall, cramped, serve_http, client):
    client.commit()
    done = client.push(f"{serve_http(cramped)}/shop.git", "main")
    assert "! [remote rejected] main -> main (the server's disk is nearly full)" in done.stderr
    assert "remote:  !     Found:    5 MB free where /srv is." in done.stderr
    assert "To do:    On the server: portside-server gc" in done.stderr
    assert list(hall.repositories.path(hall.app_id).glob("objects/pack/*")) == []
    assert cramped.received == []


def test_what_a_push_received_is_told_with_its_claim(hall, accepting, serve_http, client, noise):
    client.commit("big.bin", noise(1))
    assert client.push(f"{serve_http(accepting)}/shop.git", "main").returncode == 0
    claim, push_id, pack_bytes = accepting.settled
    assert (claim, push_id is not None) == ("claim", True)
    assert 1 << 20 < pack_bytes < 2 << 20


def test_a_push_that_deploys_nothing_gives_its_claim_up(accepting, serve_http, client):
    client.commit()
    assert client.push(f"{serve_http(accepting)}/shop.git", "main:other").returncode == 0
    assert accepting.settled[:2] == ("claim", None)


def test_a_shallow_clone_that_lacks_history_is_told_how_to_get_it(accepting, serve_http, client, new_client):
    client.commit()
    client.commit("second.py")
    shallow = new_client("shallow")
    shallow.git("clone", "--quiet", "--depth=1", f"file://{client.path}", ".")
    done = shallow.push(f"{serve_http(accepting)}/shop.git", "main")
    assert "! [remote rejected] main -> main (a shallow clone lacks the history)" in done.stderr
    assert "git fetch --unshallow" in done.stderr
    assert accepting.received == []


def test_a_shallow_clone_whose_history_is_here_may_push(hall, accepting, serve_http, client, new_client):
    url = f"{serve_http(accepting)}/shop.git"
    client.commit()
    client.commit("second.py")
    client.push(url, "main")
    shallow = new_client("shallow")
    shallow.git("clone", "--quiet", "--depth=1", url, ".")
    commit = shallow.commit("third.py")
    assert shallow.push(url, "main").returncode == 0
    assert hall.branch() == commit


def test_two_pushes_at_once_to_two_branches_both_arrive(hall, accepting, serve_http, client, new_client):
    url = f"{serve_http(accepting)}/shop.git"
    client.commit()
    client.push(url, "main:start")
    clients = [new_client(f"client{number}") for number in range(4)]
    for number, one in enumerate(clients):
        one.git("clone", "--quiet", "--branch=start", url, ".")
        one.commit(f"file{number}.py")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda pair: pair[1].push(url, f"HEAD:branch{pair[0]}"), enumerate(clients)))
    assert [one.returncode for one in done] == [0, 0, 0, 0]
    assert [hall.branch(f"refs/heads/branch{n}") for n in range(4)] == [one.head() for one in clients]


def test_a_push_that_misses_a_newer_one_is_told_to_fetch(hall, slow, serve_http, client, new_client):
    """Both clients saw the branch unborn; one deploys; then the other's commit does not build on it."""
    url = f"{serve_http(slow)}/shop.git"
    first = client.commit()
    slow.go_on.set()
    other = new_client("other")
    other.git("init", "--quiet", "--initial-branch=main")
    unrelated = other.commit("other.py")
    client.push(url, "main")
    landed = other.push("--force-with-lease=main:", url, "main")
    assert landed.returncode == 1
    assert hall.branch() == first != unrelated


def test_ctrl_c_leaves_the_deploy_going(hall, slow, serve_http, client, interrupt):
    client.commit()
    interrupt(client.start("push", f"{serve_http(slow)}/shop.git", "main"), "Building slowly")
    assert slow.client_left.wait(30)
    assert len(slow.received) == 1
    assert hall.repositories.git(hall.app_id).types([client.head()]) == {client.head(): "commit"}


def test_a_branch_that_points_at_no_commit_is_refused(accepting, serve_http, client):
    client.commit()
    tree = client.git("rev-parse", "HEAD^{tree}").stdout.strip()
    client.git("tag", "a-tree", tree)
    done = client.push(f"{serve_http(accepting)}/shop.git", "a-tree:refs/tags/fine", "a-tree^{tree}:refs/heads/main")
    assert "! [remote rejected]" in done.stderr
    assert "(a branch must point at a commit)" in done.stderr
    assert "[new tag]" in done.stderr


def test_names_that_stand_in_each_others_way_are_refused(accepting, serve_http, client):
    client.commit()
    url = f"{serve_http(accepting)}/shop.git"
    client.push(url, "main:feature")
    assert "(another name is in the way)" in client.push(url, "main:feature/x").stderr
    stands = "(its name would stand in the way of a deploy branch)"
    assert stands in client.push(url, "main:refs/heads/main/x").stderr


def test_portsides_own_refs_are_hidden_and_closed(hall, accepting, serve_http, client):
    commit = client.commit()
    url = f"{serve_http(accepting)}/shop.git"
    client.push(url, "main")
    assert "portside" not in client.git("ls-remote", url).stdout.replace(url, "")
    done = client.push(url, "main:refs/portside/pushes/mine")
    assert "(refs/portside/ is Portside's own)" in done.stderr
    assert "(only branches and tags are stored)" in client.push(url, f"{commit}:refs/notes/x").stderr
