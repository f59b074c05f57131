"""A build that allocates without end is killed alone."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from builder import Builder, BuildFailed
from builder.limits import why_not
from tests.builder.conftest import Bench, Lines, MemorySource

pytestmark = [pytest.mark.engine, pytest.mark.skipif(bool(why_not()), reason="builds can't be limited here")]
# Other builds on this engine feel the limit too while this test runs, so it is one that only endless ones reach.
LIMIT_MB = 700
BASE = 'FROM portside/base:debian-13\nCMD ["true"]\n'
ENDLESS = "RUN perl -e 'my @all; while (1) { push @all, \"x\" x 10_000_000 }' # {}\n"
MODEST = "RUN perl -e 'my $some = \"x\" x 50_000_000; select undef, undef, undef, 1; print length $some' # {}\n"


def test_an_endless_build_is_killed_and_its_neighbour_goes_on(bench: Bench) -> None:
    settings = replace(bench.settings, build_memory_mb=LIMIT_MB)
    builder = Builder(bench.database, bench.engine, settings, bench.images)
    neighbour = MemorySource({"Dockerfile": BASE + MODEST.replace("{}", bench.app_id)})
    built: list[str] = []
    request = bench.request(neighbour)
    running = threading.Thread(target=lambda: built.append(builder.build(request, Lines()).image_id))
    running.start()
    greedy = MemorySource({"Dockerfile": BASE + ENDLESS.replace("{}", bench.app_id)})
    with pytest.raises(BuildFailed) as caught:
        builder.build(bench.request(greedy), Lines())
    running.join(120)
    assert f"was killed: it used more than {LIMIT_MB} MB of memory." in caught.value.message
    assert built, "the neighbour was built"
