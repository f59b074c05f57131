"""What a release consists of, and how a change turns one content into the next. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from core.errors import UserError
from releases.bake_policy import BakePolicy

LONGEST_VALUE_BYTES = 32 * 1024  # Heroku's limit for all of an app's config together; ours holds for one value
FIRST_PROTOCOL = "http1"  # the router's name of what all instances spoke before releases had it written down
_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,199}$")
_RESERVED = frozenset({"PORT", "DYNO", "RELEASE_VERSION", "SOURCE_VERSION"})


@dataclass(frozen=True)
class Content:
    """All that it takes to run a release: image, process types, config."""

    image_id: str = ""
    image_ref: str = ""
    commit: str = ""
    port: int = 0
    processes: Mapping[str, str | None] = field(default_factory=dict)
    healthchecks: Mapping[str, str] = field(default_factory=dict)
    overlap: Mapping[str, bool] = field(default_factory=dict)
    stop: tuple[str, ...] = ()
    hold_s: float = 0.0
    bake: BakePolicy | None = None
    quantities: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)
    cron: str = "[]"
    shrink: Mapping[str, str] = field(default_factory=dict)
    protocol: str = FIRST_PROTOCOL
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_image(self) -> bool:
        return bool(self.image_id or self.image_ref)


Delta = Mapping[str, str | None]
"""A change of config: None takes the key away."""


def with_image(current: Content, image: Content, protocol: str = FIRST_PROTOCOL) -> Content:
    """A push: the new image under the config of the moment, spoken to as the app is set now."""
    return replace(image, config=current.config, protocol=protocol)


def with_config(current: Content, delta: Delta, protocol: str = FIRST_PROTOCOL) -> Content:
    """`config:set` and `config:unset`: the image of the moment under a changed config; the rest as `with_image`."""
    return replace(current, config=changed(current.config, delta), protocol=protocol)


def back_to(current: Content, target: Content, code_only: bool) -> Content:
    """A rollback: everything as it was, or with `code_only` the earlier code under the config of the moment. The
    protocol comes back in either case: it is the code that speaks it."""
    return replace(target, config=current.config) if code_only else target


def changed(config: Mapping[str, str], delta: Delta) -> dict[str, str]:
    kept = {key: value for key, value in config.items() if key not in delta}
    return kept | {key: value for key, value in delta.items() if value is not None}


@dataclass(frozen=True)
class RollbackPreview:
    """What a rollback would change. Keys only: values are nobody's business here."""

    version: int
    commit: str
    current_version: int
    current_commit: str
    image_changes: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def lines(self) -> list[str]:
        """The preview in words, a line each; empty when nothing would change."""
        said = []
        if self.image_changes:
            said.append(f"code: {self.current_commit[:7] or 'none'} -> {self.commit[:7]}")
        for word, keys in (("adds", self.added), ("removes", self.removed), ("changes", self.changed)):
            if keys:
                said.append(f"config: {word} {', '.join(keys)}")
        return said


def preview(version: int, target: Content, current_version: int, current: Content, code_only: bool) -> RollbackPreview:
    then = back_to(current, target, code_only)
    was, will = current.config, then.config
    return RollbackPreview(
        version=version,
        commit=target.commit,
        current_version=current_version,
        current_commit=current.commit,
        image_changes=target.image_id != current.image_id,
        added=tuple(sorted(will.keys() - was.keys())),
        removed=tuple(sorted(was.keys() - will.keys())),
        changed=tuple(sorted(key for key in was.keys() & will.keys() if was[key] != will[key])),
    )


def check_delta(delta: Delta) -> None:
    """Raise UserError for a config change that can't be made."""
    if not delta:
        raise UserError("No config vars were given.", "Name at least one: portside config:set KEY=value")
    for key, value in delta.items():
        if not _KEY.match(key):
            expected = "A name has letters, digits and underscores, and does not begin with a digit."
            raise UserError(f"{key!r} is not a config var name. {expected}", "Example: portside config:set API_URL=x")
        if key in _RESERVED or key.startswith("PORTSIDE_"):
            raise UserError(f"{key} is set by Portside itself and can't be changed.", "Choose another name.")
        if value is not None:
            _check_value(key, value)


def _check_value(key: str, value: str) -> None:
    if "\0" in value:
        raise UserError(f"The value of {key} has a NUL byte, which no environment can hold.", "Encode it, e.g. base64.")
    if len(value.encode()) > LONGEST_VALUE_BYTES:
        raise UserError(
            f"The value of {key} is over 32 KB.", "Keep it in a file or a store, and its address in config."
        )


def describe_delta(delta: Delta) -> str:
    """`Set A, B config vars; remove C config var`, as Heroku words it, shortened past 200 characters."""
    said = []
    for word, keys in (
        ("Set", sorted(key for key, value in delta.items() if value is not None)),
        ("Remove", sorted(key for key, value in delta.items() if value is None)),
    ):
        if keys:
            names = ", ".join(keys)
            said.append(f"{word} {names} config var{'s' if len(keys) > 1 else ''}")
    text = "; ".join(said)
    return text if len(text) <= 200 else f"{text[:197]}..."
