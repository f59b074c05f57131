"""Builds: pushes on their way to a release, and deploying a stored commit once more."""

from __future__ import annotations

import re
from dataclasses import asdict

import click

from cli import gitremote
from cli.client import Json, segment
from cli.commandline import app_options, command, json_option
from cli.edge import goes_on_without_us
from cli.errors import CliError, OutcomeFailed
from cli.following import follow
from cli.printing import as_json, data, problem, progress, table, when
from cli.records import Build, read
from cli.session import Session, Target, pass_session

_SHORT_ID = 8
_RECENT = 100
_BAR = 30  # characters of the whole length of a build
_LOCAL_EXPRESSION = re.compile(r"^HEAD$|[~^@]")


@command("deploy", examples=["portside deploy 1a2b3c4", "portside deploy main", "portside deploy HEAD~1"])
@click.argument("commit")
@app_options
@json_option
@pass_session
def deploy(session: Session, commit: str) -> None:
    """Deploy a commit that was pushed before, and watch it.

    Use it after a rollback, when git has nothing new to push. COMMIT is what the server knows: an id, whole or short,
    or a branch. What only your own repository knows, such as HEAD~1, is looked up here first.
    """
    target = session.target()
    if _LOCAL_EXPRESSION.search(commit):
        commit = _looked_up(commit)
    record = target.api.post(target.path("/builds"), {"commit": commit})
    build = _watched(target, record, to_stdout=False)
    if session.as_json:
        as_json(asdict(build))
    if build.status != "succeeded":
        raise OutcomeFailed(
            f"The deploy of {commit[:12]} failed: {build.reason or 'see above'}\n{target.app} runs on as it was.",
            f"See `portside builds:output {build.id[:_SHORT_ID]} -a {target.app}`.",
        )
    progress(f"Deployed {(build.commit or commit)[:12]} to {target.app}.")


@command("builds", examples=["portside builds", "portside builds --json"])
@click.option("-n", "--num", type=click.IntRange(1, 1000), default=15, show_default=True, help="How many.")
@app_options
@json_option
@pass_session
def builds(session: Session, num: int) -> None:
    """List the latest pushes and deploys of an app, newest first."""
    target = session.target()
    found = [read(Build.of, each) for each in _latest(target, num)]
    if session.as_json:
        as_json([asdict(build) for build in found])
    elif found:
        rows = [
            (build.id[:_SHORT_ID], build.status, (build.commit or "")[:10], build.user or "", when(build.created_at))
            for build in found
        ]
        table(("ID", "STATE", "COMMIT", "WHO", "WHEN"), rows)
    else:
        problem(f"Nothing was pushed to {target.app} yet.", "Deploy with `git push portside main`.")


@command("builds:info", examples=["portside builds:info", "portside builds:info 1a2b3c4d"])
@click.argument("build_id", required=False, metavar="[ID]")
@app_options
@json_option
@pass_session
def builds_info(session: Session, build_id: str | None) -> None:
    """Show what took how long in a build; the newest without ID.

    Steps may overlap: the upload runs beside the start, and what is set in lies in the build.
    """
    target = session.target()
    build = read(Build.of, _find(target, build_id))
    if session.as_json:
        as_json(asdict(build))
        return
    facts = (build.status, build.reason, build.built and f"{build.built} build", build.stack)
    data(f"{build.id[:_SHORT_ID]}  {(build.commit or '')[:10]}  {', '.join(filter(None, facts))}")
    if build.steps:
        table(("STEP", "BEGAN", "TOOK", ""), _waterfall(build))


def _waterfall(build: Build) -> list[tuple[str, str, str, str]]:
    """A row for each step, with a bar of when it ran; the last row is the whole."""
    whole_ms = max(build.total_ms or 0, *(step["began_ms"] + step["took_ms"] for step in build.steps), 1)
    rows = [(_indented(step["name"]), step["began_ms"], step["took_ms"]) for step in build.steps]
    rows += [("in all", 0, build.total_ms)] if build.total_ms else []
    return [(name, f"{began} ms", f"{took} ms", _bar(began / whole_ms, took / whole_ms)) for name, began, took in rows]


def _indented(name: str) -> str:
    return f"  {name.removeprefix('build ')}" if name.startswith("build ") or name == "export" else name


def _bar(begins: float, length: float) -> str:
    before = min(_BAR - 1, round(begins * _BAR))
    return " " * before + "█" * max(1, min(_BAR - before, round(length * _BAR)))


@command("builds:output", examples=["portside builds:output", "portside builds:output 1a2b3c4d"])
@click.argument("build_id", required=False, metavar="[ID]")
@app_options
@pass_session
def builds_output(session: Session, build_id: str | None) -> None:
    """Show the log of a build, live while it runs; the newest without ID."""
    target = session.target()
    _watched(target, _find(target, build_id), to_stdout=True)


@command("builds:cancel", examples=["portside builds:cancel", "portside builds:cancel 1a2b3c4d"])
@click.argument("build_id", required=False, metavar="[ID]")
@app_options
@json_option
@pass_session
def builds_cancel(session: Session, build_id: str | None) -> None:
    """Cancel a build; without ID the one in progress. What serves now serves on."""
    target = session.target()
    one = f"/{segment(str(_find(target, build_id)['id']))}" if build_id else ""
    record = target.api.delete(target.path(f"/builds{one}"))
    if session.as_json:
        as_json(asdict(read(Build.of, record)))
    shown = str(record.get("id") or build_id or "")[:_SHORT_ID]
    progress(f"Cancelling build {shown} of {target.app}.")


@command("builds:cache:purge", examples=["portside builds:cache:purge", "portside builds:cache:purge -a my-app"])
@app_options
@json_option
@pass_session
def purge_cache(session: Session) -> None:
    """Empty an app's build caches: its next build fetches and builds everything anew."""
    target = session.target()
    target.api.delete(target.path("/build-cache"))
    if session.as_json:
        as_json({"app": target.app, "purged": True})
    progress(f"The build caches of {target.app} are purged. Its next build starts from nothing.")


def _watched(target: Target, record: Json, *, to_stdout: bool) -> Build:
    build = read(Build.of, record)
    short = build.id[:_SHORT_ID]
    with goes_on_without_us("The deploy", f"portside builds:output {short} -a {target.app}"):
        final = follow(target.api, target.path(f"/builds/{segment(build.id)}"), record, to_stdout=to_stdout)
    return read(Build.of, final)


def _find(target: Target, wanted: str | None) -> Json:
    """The build whose id begins as `wanted`, or the newest one."""
    found = [each for each in _latest(target, _RECENT if wanted else 1) if str(each["id"]).startswith(wanted or "")]
    if not found:
        what = f"has no build {wanted}" if wanted else "has no builds yet"
        raise CliError(f"{target.app} {what}.", "See `portside builds`.")
    if wanted and len(found) > 1:
        raise CliError(f"{len(found)} builds of {target.app} begin with {wanted}.", "Give more of the id.")
    return found[0]


def _latest(target: Target, number: int) -> list[Json]:
    return target.api.get_list(target.path("/builds"), f"created_at ..; order=desc, max={number}", number)


def _looked_up(expression: str) -> str:
    commit = gitremote.resolve_commit(expression)
    if commit is None:
        raise CliError(f"{expression} is no commit of the git repository here.", "See `git log --oneline`.")
    return commit


COMMANDS = (deploy, builds, builds_info, builds_output, builds_cancel, purge_cache)
