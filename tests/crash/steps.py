"""The steps at which the crash matrix hits: how each is set up, how it is known to have come, and made to last.

None is caught by sleeping and hoping: a step lasts because something in it is held (the bytes of a push, a part that
stands still, a request that has not ended) or because the app itself takes its time there, and it has come when the
engine or the records show it.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from cli import credentials
from cli.start import USERNAME
from tests.acceptance.site import Site
from tests.background import Background, eventually
from tests.crash import moments
from tests.crash.aftermath import Aftermath
from tests.crash.blows import Victim
from tests.crash.valve import Valve

RECEIVED_BYTES = 1 << 20
PACK_BYTES = 16 << 20
LAYER_MB = 32
SURGE = 3


class Kind(StrEnum):
    PUSH = "push"
    ROLLBACK = "rollback"
    SCALE = "scale"


@dataclass(frozen=True)
class Goal:
    """What is under way: release `version` of `commit` is to serve, in `webs` instances.

    `before`: the version that serves meanwhile, made of `good`. `branch`: where the branch is before.
    """

    kind: Kind
    version: int
    commit: str
    before: int
    good: str
    branch: str
    webs: int = 1


@dataclass(frozen=True)
class Act:
    """What goes on while a part is killed: a command; `let_go` ends what makes the step last.

    `slow` gives the answer to a request that was under way; "" when the connection broke.
    """

    command: Background
    let_go: Callable[[], object] = field(default=lambda: None)
    slow: Callable[[], str] | None = None


@dataclass(frozen=True)
class Step:
    """`arrange` makes a new app serve and prepares the blow; in `reached`, the step has come and lasts.

    `let_go_late`: what is held is let go when the part is back, and not at once.
    """

    name: str
    arrange: Callable[[Site], Goal]
    reached: Callable[[Site, Victim, Goal], AbstractContextManager[Act]]
    let_go_late: bool = False


def _pushing(prepare: Callable[[Site], str], webs: int = 1) -> Callable[[Site], Goal]:
    """v1 serves; the commit that makes v2 is ready to be pushed."""

    def arrange(site: Site) -> Goal:
        good = _push(site)
        if webs > 1:
            _scale(site, webs, version=1)
        return Goal(Kind.PUSH, 2, prepare(site), 1, good, good, webs)

    return arrange


def _push(site: Site) -> str:
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    return site.branch()


def _scale(site: Site, webs: int, version: int) -> None:
    assert site.cli("ps:scale", f"web={webs}").code == 0
    after = Aftermath.of(site)
    eventually(lambda: len(after.running(version)) == webs, f"{webs} instances run")


def _watched(moment: moments.Moment) -> Callable[[Site, Victim, Goal], AbstractContextManager[Act]]:
    """A push, when the moment has come."""

    @contextmanager
    def reached(site: Site, victim: Victim, goal: Goal) -> Iterator[Act]:
        with site.pushing() as push:
            moment.await_it(site, push, goal.version)
            yield Act(push)

    return reached


def _large_commit(site: Site) -> str:
    (site.folder / "ballast").write_bytes(os.urandom(PACK_BYTES))
    return site.platform.commit(site.folder, "large")


@contextmanager
def _receiving(site: Site, victim: Victim, goal: Goal) -> Iterator[Act]:
    """A part of the pack is on the server, and no more comes; more is left than the sockets' buffers take."""
    login = credentials.load(credentials.path_of(site.platform.people)).servers[site.platform.api_url]
    with Valve(site.platform.api, RECEIVED_BYTES) as valve:
        url = f"http://{USERNAME}:{login.token}@127.0.0.1:{valve.port}/{site.name}.git"
        with Background(["git", "push", url, "main"], site.platform.people, site.folder) as push:
            eventually(lambda: valve.held.is_set() or not push.running, f"a part of the pack has come: {push.output}")
            assert valve.held.is_set(), push.output
            yield Act(push, valve.open)
            valve.open()


def _large_image(site: Site) -> str:
    return site.build_also(f"RUN head -c {LAYER_MB}M /dev/urandom > /ballast && echo {secrets.token_hex(4)}")


@contextmanager
def _uploading(site: Site, victim: Victim, goal: Goal) -> Iterator[Act]:
    """The release is made, its image is on its way to a registry that has come to stand still."""
    after = Aftermath.of(site)
    with site.pushing() as push:
        eventually(lambda: after.has_release(goal.version), "the release is made")
        with victim.held_still("registry") as let_go:
            assert not after.is_uploaded(goal.version), "the image is on its way"
            yield Act(push, let_go)


@contextmanager
def _starting(site: Site, victim: Victim, goal: Goal) -> Iterator[Act]:
    """The first of several containers has been made."""
    after = Aftermath.of(site)
    with site.pushing() as push:
        eventually(lambda: after.containers(goal.version), f"a container of v{goal.version}")
        yield Act(push)


def _start_a_little_slowly(site: Site) -> str:
    return site.start_with("sleep 2; exec perl /app/server.pl")


@contextmanager
def _switching(site: Site, victim: Victim, goal: Goal) -> Iterator[Act]:
    """The switch is recorded, and the router, which stands still, has not been told."""
    after = Aftermath.of(site)
    with site.pushing() as push:
        eventually(lambda: after.running(goal.version), f"v{goal.version} starts")
        with victim.held_still("router") as let_go:
            eventually(lambda: after.switched_to() == goal.version, "the switch is recorded")
            yield Act(push, let_go)


@contextmanager
def _draining(site: Site, victim: Victim, goal: Goal) -> Iterator[Act]:
    """The new release is live, the old one has a request that has not ended."""
    after = Aftermath.of(site)
    port = site.platform.http
    with socket.create_connection(("127.0.0.1", port), timeout=60) as visitor:
        host = f"{site.name}.localhost:{port}"
        visitor.sendall(
            f"POST /held HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 1\r\n\r\n".encode()
        )
        answer = visitor.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200"), answer

        def slow() -> str:
            try:
                visitor.sendall(b"!")
                return b"".join(iter(lambda: visitor.recv(65536), b"")).decode()
            except OSError:
                return ""

        with site.pushing() as push:
            pushed = push.ended()
            assert pushed.code == 0, pushed.output
            assert after.running(goal.before), "it drains"
            yield Act(push, slow=slow)


def _two_releases(site: Site) -> Goal:
    """v2 serves; v1, slow to start, is to come back as v3."""
    moments.START.prepare(site)
    first = _push(site)
    (site.folder / "Procfile").write_text("web: perl /app/server.pl\n")
    site.write("quick to start")
    second = _push(site)
    return Goal(Kind.ROLLBACK, 3, first, 2, second, second)


@contextmanager
def _rolling_back(site: Site, victim: Victim, goal: Goal) -> Iterator[Act]:
    after = Aftermath.of(site)
    with site.running("rollback") as rollback:
        eventually(lambda: after.running(goal.version), f"v{goal.version} starts")
        yield Act(rollback)


def _slow_to_scale(site: Site) -> Goal:
    moments.START.prepare(site)
    first = _push(site)
    return Goal(Kind.SCALE, 1, first, 1, first, first, SURGE)


@contextmanager
def _scaling(site: Site, victim: Victim, goal: Goal) -> Iterator[Act]:
    after = Aftermath.of(site)
    with site.running("ps:scale", f"web={goal.webs}") as scale:
        eventually(lambda: len(after.running(goal.version)) > 1, "more are started")
        yield Act(scale)


RECEIVE = Step("receive", _pushing(_large_commit), _receiving)
BUILD = Step("build", _pushing(moments.BUILD.prepare), _watched(moments.BUILD))
UPLOAD = Step("upload", _pushing(_large_image), _uploading)
RELEASE_PHASE = Step("release phase", _pushing(moments.RELEASE_PHASE.prepare), _watched(moments.RELEASE_PHASE))
START = Step("start", _pushing(lambda site: site.write("two"), SURGE), _starting)
HEALTH = Step("health", _pushing(moments.START.prepare), _watched(moments.START))
SWITCH = Step("switch", _pushing(_start_a_little_slowly), _switching)
DRAIN = Step("drain", _pushing(lambda site: site.write("two")), _draining, let_go_late=True)
ROLLBACK = Step("rollback", _two_releases, _rolling_back)
SCALE = Step("scale", _slow_to_scale, _scaling)

STEPS = (RECEIVE, BUILD, UPLOAD, RELEASE_PHASE, START, HEALTH, SWITCH, DRAIN, ROLLBACK, SCALE)
