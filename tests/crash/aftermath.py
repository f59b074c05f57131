"""What must be true once a push is over, whatever was killed meanwhile. Looks at the records, git and the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.records import Records
from core.ids import AppId
from gitreceiver import Push, line_of_pushes
from releases import ReleaseState
from scheduler import InstanceState, line_of
from server.platform import Platform, compose
from tests.acceptance.site import Site
from tests.background import eventually
from tests.traces import LABEL

FINAL_S = 90
DRAINED_S = 30


@dataclass(frozen=True)
class Aftermath:
    """One app after a blow. Reads the platform's database itself: the API may be dead."""

    site: Site
    records: Platform

    @classmethod
    def of(cls, site: Site) -> Aftermath:
        return cls(site, compose(site.platform.environ))

    def last_push(self) -> Push:
        return self.records.pushes.recent(self.app_id(), 1)[0]

    def final_push(self, commit: str) -> Push:
        """Wait until the push of `commit` is live or failed: never stuck."""
        eventually(lambda: self.last_push().is_final, "the push is final", FINAL_S)
        push = self.last_push()
        assert push.commit == commit
        return push

    def app_id(self) -> AppId:
        found = self.records.app_id(self.site.name)
        assert found is not None
        return found

    def has_release(self, version: int) -> bool:
        return self.state_of(version) is not None

    def state_of(self, version: int) -> ReleaseState | None:
        found = {release.version: release.state for release in self.records.releases.releases(self.app_id())}
        return found.get(version)

    def is_uploaded(self, version: int) -> bool:
        """Whether the release's image is in the registry, as the records say."""
        return bool(self.records.releases.release(self.app_id(), f"v{version}").image_ref)

    def switched_to(self) -> int | None:
        """The version that the scheduler's records say is the app's."""
        return self.records.scheduler.current_version(self.app_id())

    def webs_in_service(self) -> int:
        """How many instances the records say are routed."""
        found = self.records.scheduler.instances(self.app_id())
        return sum(one.state is InstanceState.RUNNING for one in found)

    def containers(self, version: int) -> list[str]:
        """The processes of a version that have a container, running or not."""
        return [process for _, process, of, _ in self._containers() if of == version]

    def running(self, version: int) -> list[str]:
        """The processes of a version whose containers run."""
        return [process for _, process, of, state in self._containers() if (of, state) == (version, "running")]

    def assert_live(self, version: int, commit: str, branch: str | None = None) -> None:
        """Release `version` of `commit` serves, was made exactly once, and nothing else is left.

        `branch`: where the branch is, for a rollback leaves it.
        """
        self._assert_releases(version, failed=0)
        self._assert_serves(version, commit, branch or commit)

    def assert_failed_cleanly(self, commit: str, made_release: bool) -> None:
        """v1 of `commit` serves as if nothing had been; the failed push has made a release at most, and that once."""
        self._assert_releases(1, failed=int(made_release))
        self._assert_serves(1, commit, commit)

    def _assert_serves(self, version: int, commit: str, branch: str) -> None:
        assert self.site.branch() == branch
        answer = self.site.answer()
        assert (answer["release"], answer["commit"]) == (f"v{version}", commit)
        self.assert_tidy(version)

    def _assert_releases(self, live: int, failed: int) -> None:
        """One release for each push, none twice: `live` that succeeded, then `failed` that did not."""
        found = self.site.platform.releases(self.site.name)
        expected = [(number, "succeeded" if number <= live else "failed") for number in range(live + failed, 0, -1)]
        assert [(release["version"], release["status"]) for release in found] == expected
        assert [release["version"] for release in found if release["current"]] == [live]

    def assert_tidy(self, version: int, webs: int = 1) -> None:
        """Only the live release's containers are left, running or not; nobody holds anything; no build goes on."""
        expected = [(self.site.name, f"web.{number + 1}", version, "running") for number in range(webs)]
        eventually(lambda: self._containers() == expected, f"{expected} and no other container", DRAINED_S)
        eventually(lambda: not self._held(), f"no lease is held: {self._held()}", DRAINED_S)
        assert not (builds := self._builds_under_way()), builds

    def assert_settled(self, version: int, commit: str, branch: str, statuses: Sequence[str], webs: int = 1) -> None:
        """Release `version` of `commit` serves in `webs` instances and nothing else is left; the releases have ended
        as `statuses` say, the first one first: no number is missing or was given twice."""
        expected = [(number, status) for number, status in enumerate(statuses, 1)]
        found = self.site.platform.releases(self.site.name)
        numbered = [(release["version"], release["status"]) for release in reversed(found)]
        assert numbered == expected, f"releases {numbered}, not {expected}"
        current = [release["version"] for release in found if release["current"]]
        assert current == [version], f"current: {current}, not {version}"
        is_at = self.site.branch()
        assert is_at == branch, f"the branch is at {is_at}, not {branch}"
        answer = self.site.answer()
        assert (answer["release"], answer["commit"]) == (f"v{version}", commit), f"v{version}: {answer}"
        self.assert_tidy(version, webs)

    def kill_containers(self) -> None:
        """SIGKILL to what the app runs."""
        engine = self.site.platform.engine()
        try:
            for one in self.site.containers():
                engine.api.kill(one.id, "SIGKILL")
        finally:
            engine.close()

    def _containers(self) -> list[tuple[str, str, int, str]]:
        """Every container of the platform: app, process, version, state."""
        engine = self.site.platform.engine()
        try:
            found = engine.api.containers(all=True, filters={"label": f"{LABEL}={self.site.platform.name}"})
        finally:
            engine.close()
        return sorted(
            (
                one["Names"][0].strip("/").split(".")[0],
                one["Labels"]["portside.process"],
                int(one["Labels"]["portside.version"]),
                one["State"],
            )
            for one in found
        )

    def _held(self) -> list[str]:
        app_id = self.last_push().app_id
        slots = [f"build-slot:{number}" for number in range(self.records.receiver_settings.parallel_builds)]
        return [name for name in (line_of_pushes(app_id), line_of(app_id), *slots) if self.records.leases.is_held(name)]

    def _builds_under_way(self) -> list[str]:
        """Command lines of processes on this machine that build an image of this app."""
        tags = [f"portside/build:{build}" for build in Records(self.records.database).builds(self.last_push().app_id)]
        lines = [_command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
        return [line for line in lines if any(tag in line for tag in tags)]


def _command_line(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""  # it has ended meanwhile
