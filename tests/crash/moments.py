"""The moments at which a push is hit: what to commit so that it lasts, and how to tell that it has come."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from tests.acceptance.site import Site
from tests.background import Background, eventually

LASTS_S = 4


@dataclass(frozen=True)
class Moment:
    """`prepare` commits what makes the moment last and gives the commit; `await_it` returns when it has begun."""

    name: str
    prepare: Callable[[Site], str]
    await_it: Callable[[Site, Background, int], None]


def _build_slowly(site: Site) -> str:
    """The mark makes the step another each time, for the engine has a cache of those it knows; and `begun` with the
    mark is in what the step says, and not in what it is."""
    return site.build_also(f"RUN word=begun && echo $word {secrets.token_hex(4)} && sleep {LASTS_S}")


def mark_of(site: Site) -> str:
    """What a slow build says as soon as it runs."""
    return "begun " + (site.folder / "Dockerfile").read_text().split("$word ")[1].split(" ")[0]


def _await_build(site: Site, push: Background, version: int) -> None:
    push.says(mark_of(site))


def _start_slowly(site: Site) -> str:
    return site.start_with(f"sleep {LASTS_S}; exec perl /app/server.pl")


def _await_start(site: Site, push: Background, version: int) -> None:
    """An instance runs, and does not answer yet."""
    eventually(lambda: any(found.version == version for found in site.containers()), f"v{version} starts")


def _prepare_slowly(site: Site) -> str:
    """A release phase."""
    (site.folder / "Procfile").write_text(f"web: perl /app/server.pl\nrelease: echo tidying up; sleep {LASTS_S}\n")
    return site.platform.commit(site.folder, "release phase")


def _await_release_phase(site: Site, push: Background, version: int) -> None:
    eventually(lambda: any(found.process.startswith("release") for found in site.containers()), "the release phase")


def _build_in_vain(site: Site) -> str:
    return site.build_also(f"RUN word=begun && echo $word {secrets.token_hex(4)} && sleep {LASTS_S} && exit 3")


def _start_in_vain(site: Site) -> str:
    return site.start_with(f"sleep {LASTS_S}; exit 7")


BUILD = Moment("the build", _build_slowly, _await_build)
START = Moment("the start of instances", _start_slowly, _await_start)
RELEASE_PHASE = Moment("the release phase", _prepare_slowly, _await_release_phase)
BUILD_IN_VAIN = Moment("a build that fails", _build_in_vain, _await_build)
START_IN_VAIN = Moment("a start that fails", _start_in_vain, _await_start)
