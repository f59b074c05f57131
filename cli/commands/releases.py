"""Releases: what was live when, and the way back."""

from __future__ import annotations

from dataclasses import asdict

import click

from cli.client import Json, segment
from cli.commandline import app_options, command, json_option
from cli.edge import goes_on_without_us
from cli.errors import CliError, OutcomeFailed
from cli.following import follow
from cli.printing import as_json, facts, problem, progress, table, when
from cli.records import Release, read
from cli.session import Session, Target, pass_session

_PREVIOUS = "previous"
"""The API's name for the live release before the current one."""


@command("releases", examples=["portside releases", "portside releases -n 50", "portside releases --json"])
@click.option("-n", "--num", type=click.IntRange(1, 1000), default=15, show_default=True, help="How many.")
@app_options
@json_option
@pass_session
def releases(session: Session, num: int) -> None:
    """List the releases of an app, newest first."""
    target = session.target()
    found = [read(Release.of, each) for each in _latest(target, num)]
    if session.as_json:
        as_json([asdict(release) for release in found])
    elif found:
        rows = [
            (
                f"v{release.version}",
                _state(release),
                "yes" if release.restorable else "no",
                f"{release.description} [{release.bake}]" if release.bake else release.description,
                release.user or "",
                when(release.created_at),
            )
            for release in found
        ]
        table(("VERSION", "STATE", "RESTORABLE", "WHAT", "WHO", "WHEN"), rows)
    else:
        problem(f"{target.app} has no releases yet.", "Deploy with `git push portside main`.")


@command("releases:info", examples=["portside releases:info", "portside releases:info v3"])
@click.argument("version", required=False)
@app_options
@json_option
@pass_session
def releases_info(session: Session, version: str | None) -> None:
    """Show one release; the newest without VERSION."""
    target = session.target()
    release = read(Release.of, _named(target, version))
    if session.as_json:
        as_json(asdict(release))
        return
    facts(
        [
            ("Version", f"v{release.version}"),
            ("State", _state(release)),
            ("Restorable", "yes" if release.restorable else _not_restorable(release)),
            ("What", release.description),
            *([("Bake window", release.bake)] if release.bake else []),
            ("Commit", release.commit or ""),
            ("Who", release.user or ""),
            ("When", when(release.created_at)),
        ]
    )


def _not_restorable(release: Release) -> str:
    return f"no: {release.restorable_reason}" if release.restorable_reason else "no"


@command("releases:output", examples=["portside releases:output", "portside releases:output v3"])
@click.argument("version", required=False)
@app_options
@pass_session
def releases_output(session: Session, version: str | None) -> None:
    """Show the log of a release, live while it runs; the newest without VERSION."""
    target = session.target()
    record = _named(target, version)
    with goes_on_without_us("The release", f"portside releases:output v{record.get('version')} -a {target.app}"):
        follow(target.api, target.path(f"/releases/{record.get('version')}"), record, to_stdout=True)


@command("rollback", examples=["portside rollback", "portside rollback v3", "portside rollback v3 --code-only"])
@click.argument("version", required=False)
@click.option("--code-only", is_flag=True, help="Bring back the code but keep today's config.")
@click.option("--release-phase", is_flag=True, help="Run its release phase again; else a rollback runs none.")
@app_options
@json_option
@pass_session
def rollback(session: Session, version: str | None, code_only: bool, release_phase: bool) -> None:
    """Bring back an earlier release, its code and its config, as a new release.

    Without VERSION it is the live release before the current one. What will change is shown first.
    """
    target = session.target()
    wanted = str(parse_version(version)) if version is not None else _PREVIOUS
    query = "?code_only=true" if code_only else ""
    preview = target.api.get(target.path(f"/releases/{wanted}/preview{query}"))
    for line in explain(preview, code_only):
        progress(line)
    number = preview.get("version")
    flags = {"code_only": code_only, "release_phase": release_phase}
    body: Json = {"release": f"v{number}"} | {name: True for name, given in flags.items() if given}
    release = outcome_of(target, target.api.post(target.path("/releases"), body), f"The rollback to v{number}")
    if session.as_json:
        as_json(asdict(release))
    progress(f"Rolled back {target.app} to v{number}, as v{release.version}.")
    if preview.get("code_changes", True):
        problem(
            'Git does not know of this: pushing the commit you pushed last now says "Everything up-to-date".',
            "To deploy a commit that is stored on the server once more, run `portside deploy COMMIT`.",
        )


def parse_version(text: str) -> int:
    """`v3` or `3` as 3. Raises click.UsageError."""
    digits = text.removeprefix("v")
    if not (digits.isascii() and digits.isdigit()):
        raise click.UsageError(f"{text!r} is not a release. Give one like v3; `portside releases` lists them.")
    return int(digits)


def explain(preview: Json, code_only: bool) -> list[str]:
    """What a rollback will change, in lines, from the server's preview of it: names of config only, never values."""
    lines = [f"Rolling back from v{preview.get('current_version')} to v{preview.get('version')}:"]
    commits = " -> ".join(str(preview.get(name) or "none")[:10] for name in ("current_commit", "commit"))
    lines.append(f"  code    {commits}" if preview.get("code_changes", True) else "  code    stays as it is")
    config = preview.get("config") or {}
    kinds = (("added", "+"), ("removed", "-"), ("changed", "~"))
    keys = " ".join(f"{sign}{key}" for kind, sign in kinds for key in config.get(kind) or [])
    unchanged = "stays as it is (--code-only)" if code_only else "stays as it is"
    return [*lines, f"  config  {keys or unchanged}"]


def newest(target: Target) -> Json | None:
    """The newest release as the API gives it, whatever became of it."""
    found = _latest(target, 1)
    return found[0] if found else None


def outcome_of(target: Target, record: Json, what: str) -> Release:
    """Watch a release until it is final.

    Raises:
        OutcomeFailed: it failed. What served before serves on.
    """
    path = target.path(f"/releases/{segment(str(record.get('id')))}")
    with goes_on_without_us(what, f"portside releases:output v{record.get('version')} -a {target.app}"):
        final = follow(target.api, path, record)
    release = read(Release.of, final)
    if release.status != "succeeded":
        raise OutcomeFailed(
            f"{what} failed (v{release.version}): {release.reason or 'see above'}\n{target.app} runs on as it was.",
            f"See `portside logs -a {target.app}`.",
        )
    return release


def _named(target: Target, version: str | None) -> Json:
    if version is not None:
        return target.api.get(target.path(f"/releases/{parse_version(version)}"))
    record = newest(target)
    if record is None:
        raise CliError(f"{target.app} has no releases yet.", "Deploy with `git push portside main`.")
    return record


def _latest(target: Target, number: int) -> list[Json]:
    return target.api.get_list(target.path("/releases"), f"version ..; order=desc, max={number}", number)


def _state(release: Release) -> str:
    return "current" if release.current else release.status


COMMANDS = (releases, releases_info, releases_output, rollback)
