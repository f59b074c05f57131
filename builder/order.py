"""What BuildKit is handed for a plan: the context and the Dockerfile in it, the target, the secrets, the arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from builder.buildkit import as_exports
from builder.context import HIDDEN_DOCKERFILE, SOURCE_FOLDER, Extra, tar_stream
from builder.eject import recipe
from builder.explain import Plan
from builder.key import build_time
from builder.problems import BuildSecretUnset, failed
from builder.types import BuildRequest, OwnDockerfile, Source


@dataclass(frozen=True)
class Order:
    """One build. `dockerfile` is its path in the context; `target` is "" for the last stage."""

    context: Iterator[bytes]
    dockerfile: str = "Dockerfile"
    target: str = ""
    secrets: Mapping[str, bytes] | None = None
    arguments: Mapping[str, str] | None = None


def config_for(plan: Plan, config: Mapping[str, str]) -> dict[str, str]:
    """The part of an app's config that its build may see; raises BuildFailed when a secret that it wants is not set."""
    own = plan.detected.own
    if own is None:
        return build_time(config, tuple(prefix for pack in plan.packs for prefix in pack.build_config))
    missing = tuple(name for name in own.secrets if name not in config)
    if missing:
        raise failed(BuildSecretUnset(missing))
    return {name: config[name] for name in sorted(own.secrets)}


def order(plan: Plan, bases: Mapping[str, str], request: BuildRequest, config: Mapping[str, str], stamp: str) -> Order:
    """The order for a plan. `config` is what `config_for` gave; `bases`, `stamp`: see `builder.eject.recipe`."""
    own, commit = plan.detected.own, {"SOURCE_VERSION": request.commit}
    if own is not None:
        secrets = {name: value.encode() for name, value in config.items()}
        context, path = _as_it_is(own, request.source, plan)
        return Order(context, path, own.target, secrets, own.args)
    text = recipe(plan, bases, request.app_id, SOURCE_FOLDER, stamp)
    context = tar_stream(request.source, plan.ignore, (Extra("Dockerfile", text.encode()),), SOURCE_FOLDER)
    return Order(context, secrets=_secrets(plan, config), arguments=commit if plan.detected.buildpacks else {})


def _as_it_is(own: OwnDockerfile, source: Source, plan: Plan) -> tuple[Iterator[bytes], str]:
    """(the tar stream of an app with a Dockerfile of its own, where that is in it)."""
    if plan.ignore.excludes(own.path):
        extra = Extra(HIDDEN_DOCKERFILE, source.read(own.path) or b"")
        return tar_stream(source, plan.ignore, (extra,)), HIDDEN_DOCKERFILE
    return tar_stream(source, plan.ignore), own.path


def _secrets(plan: Plan, config: Mapping[str, str]) -> dict[str, bytes]:
    """The secret `config`: what each pack makes of the variables that it may see."""
    each = (pack.environment(build_time(config, pack.build_config)) for pack in plan.packs)
    variables = {name: value for one in each for name, value in one.items()}
    return {"config": as_exports(variables)} if variables else {}
