"""What Portside would do with a source, in words, and the Dockerfile that it would do it by, to keep."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from builder import packs
from builder.explain import Plan
from builder.key import build_time
from builder.types import Source

LANGUAGE_STAGE = "language"
DEBIAN = "debian"  # among the bases: the stack's own image, for recipes that leave the language behind
# The app with its assets, without what built them. (`COPY --exclude` would want a frontend from a registry.)
_APP_FILES_BUILT = (
    "RUN --mount=type=bind,from=assets,source=/app,target=/built \\\n"
    "    tar --create --directory=/built --exclude=./node_modules . | tar --extract"
)
_NODE_MODULES = "--mount=type=bind,from=assets,source=/app/node_modules,target=/app/node_modules"


@dataclass(frozen=True)
class Recipe:
    """How a source is built. `decisions` are lines to show; `dockerfile` builds the same app without Portside."""

    pack: str
    decisions: tuple[str, ...]
    dockerfile: str


def template_values(plan: Plan, base: str, app_id: str, source_folder: str, stamp: str) -> dict[str, object]:
    """What a pack's Dockerfile template is filled with. `stamp`: see Records.config_stamp."""
    return {
        **plan.detected.values,
        "base": base,
        DEBIAN: DEBIAN,
        "app_id": app_id,
        "source": source_folder,
        "config_stamp": stamp,
        "stack": plan.stack.name,
        "assets": plan.assets is not None,
        "app_files": _APP_FILES_BUILT if plan.assets else f"COPY --chown=app:app {source_folder}/ ./",
        "node_modules": _NODE_MODULES if plan.assets else "",
    }


def recipe(plan: Plan, bases: Mapping[str, str], app_id: str, source_folder: str, stamp: str) -> str:
    """The Dockerfile of a plan whose pack has a template; `bases` is the image that each pack's stages start from.

    Under `DEBIAN` it may hold the stack's own image; without it, that is a stage of this name.
    """
    pack = plan.pack
    assert pack.template is not None
    values = template_values(plan, bases.get(pack.name, ""), app_id, source_folder, stamp)
    values |= {DEBIAN: bases.get(DEBIAN, DEBIAN)}
    own = packs.render(pack.template, values)
    if plan.assets is None:
        return own
    values |= {**plan.assets.values, "base": bases[packs.ASSETS.name]}
    assert packs.ASSETS.template is not None
    return f"{packs.render(packs.ASSETS.template, values)}\n{own}"


def decisions(plan: Plan, source: Source, stack: str) -> tuple[str, ...]:
    """Each decision in a line: the pack and why, versions, what runs, what is sent."""
    paths = source.paths()
    left_out = sum(plan.ignore.excludes(path) for path in paths)
    processes = plan.manifest.processes or ()
    return (
        f"Pack: {plan.pack.name} ({plan.detected.headline})",
        f"Stack: {stack}" if plan.pack.language_image else "Stack: the Dockerfile's own",
        *plan.detected.details,
        *(f"Process {kind}: {command}" for kind, command in processes),
        *(() if processes else (_told_later(plan),)),
        *(line for kind, checks in plan.manifest.healthchecks.items() for line in _asked(kind, checks)),
        *(f"Overlap of {kind}: {'yes' if may else 'no'}" for kind, may in plan.manifest.overlap.items()),
        f"Files: {len(paths) - left_out} in the build"
        + (f", {left_out} left out by .dockerignore" if left_out else ""),
    )


def _asked(process_type: str, checks: str) -> Iterator[str]:
    """A line for each health check of a type."""
    for check in json.loads(checks):
        kind = check.get("type") or "startup"
        command, path = check.get("command"), check.get("path")
        asks = " ".join(command) if command else f"GET {path}" if path else "its port, or that it runs"
        yield f"Health check of {process_type} ({kind}): {asks}"


def _told_later(plan: Plan) -> str:
    if plan.detected.buildpacks:
        return "Processes: what the last buildpack's bin/release names (no Procfile)"
    return "Process web: what the image runs by itself (no Procfile)"


def dockerfile(plan: Plan, source: Source, app_name: str, suite: str, config: Mapping[str, str]) -> str:
    """The whole of it, from Debian's own image on; an app's own Dockerfile is given as it is.

    The language images, which Portside makes once per machine, are stages here. `config` is the app's: only whether it
    has names that the build would see counts, no value gets in.
    """
    pack = plan.pack
    if plan.detected.own is not None:
        return (source.read(plan.detected.own.path) or b"").decode(errors="replace")
    stamp = "1" if any(build_time(config, each.build_config) for each in plan.packs) else ""
    stages = {each.name: LANGUAGE_STAGE if each is pack else f"{LANGUAGE_STAGE}-{each.name}" for each in plan.packs}
    own = recipe(plan, stages, app_name, ".", stamp)
    official = {pack.name: plan.official}
    languages = "".join(_language(each, stages[each.name], official.get(each.name, "")) for each in plan.packs)
    return f"{_head(suite, bool(stamp))}\n{languages}{own.strip()}\n{_command(plan)}"


def _language(pack: packs.Pack, stage: str, official: str) -> str:
    """What makes a pack's language image, as a stage."""
    if pack.language_image is None:
        return ""
    rendered = packs.render(pack.language_image, {"base": "debian", "official": official, "host_certificates": False})
    return f"{_named_last(rendered, stage).strip()}\n\n"


def _head(suite: str, wants_config: bool) -> str:
    secret = " --secret id=config,src=build.env" if wants_config else ""
    lines = [
        f"# Build it with: DOCKER_BUILDKIT=1 docker build{secret} .",
        *(["# build.env holds lines such as: export PIP_INDEX_URL=https://…"] if wants_config else []),
        f"FROM debian:{suite}-slim AS debian",
        "RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends ca-certificates"
        " && rm -rf /var/lib/apt/lists/*",
        "",
    ]
    return "\n".join(lines)


def _named_last(text: str, stage: str) -> str:
    """A Dockerfile whose last stage has a name to start the next from."""
    lines = text.splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    lines[last] = f"{lines[last].partition(' AS ')[0]} AS {stage}"
    return "\n".join(lines)


def _command(plan: Plan) -> str:
    """The Procfile's web process as the image's own command: `docker run` then starts what Portside would."""
    command = dict(plan.manifest.processes or ()).get("web")
    return f"\n# The Procfile's web process.\nENV PORT=5000\nEXPOSE 5000\nCMD {command}\n" if command else ""
