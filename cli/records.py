"""What the API's objects are here: values with just what the command shows, and what `--json` prints.

Only what says which object it is, and how it stands, must be there. All else may be missing: the server may be older.

People are given by their email, moments as the API writes them (ISO 8601, UTC).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from cli.client import Json
from cli.errors import Lacking

_Record = TypeVar("_Record")


@dataclass(frozen=True)
class App:
    """An app."""

    id: str
    name: str
    web_url: str | None
    git_url: str | None
    owner: str | None
    created_at: str | None
    updated_at: str | None
    released_at: str | None

    @classmethod
    def of(cls, data: Json) -> App:
        """Read the API's object. Raises KeyError when it is not one."""
        return cls(
            id=data["id"],
            name=data["name"],
            web_url=data.get("web_url"),
            git_url=data.get("git_url"),
            owner=_email(data.get("owner")),
            created_at=data.get("created_at"),
            updated_at=data.get("updated_at"),
            released_at=data.get("released_at"),
        )


@dataclass(frozen=True)
class Release:
    """A numbered release. `status` is pending, succeeded or failed; `restorable`, whether a rollback can name it;
    `restorable_reason`, why it can't any more; `reason`, why it failed; `bake`, how its trial stands or ended."""

    id: str
    version: int
    status: str
    description: str
    current: bool
    created_at: str | None
    user: str | None
    commit: str | None
    restorable: bool
    restorable_reason: str | None
    reason: str | None
    bake: str | None

    @classmethod
    def of(cls, data: Json) -> Release:
        """Read the API's object. Raises KeyError when it is not one."""
        return cls(
            id=data["id"],
            version=int(data["version"]),
            status=data["status"],
            description=data.get("description") or "",
            current=bool(data.get("current")),
            created_at=data.get("created_at"),
            user=_email(data.get("user")),
            commit=data.get("commit"),
            restorable=bool(data.get("eligible_for_rollback", data["status"] == "succeeded")),
            restorable_reason=data.get("not_eligible_reason"),
            reason=data.get("reason"),
            bake=bake_words(data.get("bake")),
        )


def bake_words(bake: Json | None) -> str | None:
    """A release's trial in words: its state, and what came out."""
    if not bake:
        return None
    state = {"open": "on trial"}.get(bake["state"], str(bake["state"]))
    return f"{state}: {bake['reason']}" if bake.get("reason") else state


@dataclass(frozen=True)
class Build:
    """A push or redeploy on its way to a release. `status` is pending, succeeded or failed; `reason`, why it failed;
    `steps`, what took how long: name, began_ms, took_ms; `built`: reused, warm or cold."""

    id: str
    status: str
    commit: str | None
    created_at: str | None
    user: str | None
    reason: str | None
    total_ms: int | None
    steps: tuple[Json, ...]
    stack: str | None
    built: str | None

    @classmethod
    def of(cls, data: Json) -> Build:
        """Read the API's object. Raises KeyError when it is not one."""
        return cls(
            id=data["id"],
            status=data["status"],
            commit=data.get("commit") or (data.get("source_blob") or {}).get("version"),
            created_at=data.get("created_at"),
            user=_email(data.get("user")),
            reason=data.get("reason"),
            total_ms=data.get("total_ms"),
            steps=tuple(data.get("steps") or ()),
            stack=data.get("stack"),
            built=data.get("built"),
        )


@dataclass(frozen=True)
class Instance:
    """A running container of an app (the API says dyno)."""

    name: str
    type: str
    state: str
    release: int | None
    command: str | None
    created_at: str | None
    size: str | None = None
    detail: str | None = None
    next_attempt_at: str | None = None

    @classmethod
    def of(cls, data: Json) -> Instance:
        """Read the API's object. Raises KeyError when it is not one."""
        return cls(
            name=data["name"],
            type=data.get("type") or data["name"].partition(".")[0],
            state=data["state"],
            release=(data.get("release") or {}).get("version"),
            command=data.get("command"),
            created_at=data.get("created_at"),
            size=data.get("size"),
            detail=data.get("detail"),
            next_attempt_at=data.get("next_attempt_at"),
        )


@dataclass(frozen=True)
class Formation:
    """How many instances a process type should have, and what each may use."""

    type: str
    quantity: int
    command: str | None
    size: str | None = None
    memory_mb: int | None = None
    cpus: float | None = None
    pids: int | None = None
    shrink: str | None = None

    @classmethod
    def of(cls, data: Json) -> Formation:
        """Read the API's object. Raises KeyError when it is not one."""
        limits = data.get("limits") or {}
        return cls(
            type=data["type"],
            quantity=int(data["quantity"]),
            command=data.get("command"),
            size=data.get("size"),
            memory_mb=limits.get("memory_mb"),
            cpus=limits.get("cpus"),
            pids=limits.get("pids"),
            shrink=data.get("shrink"),
        )


@dataclass(frozen=True)
class Key:
    """An SSH public key that may push."""

    id: str
    fingerprint: str
    comment: str
    email: str | None
    public_key: str

    @classmethod
    def of(cls, data: Json) -> Key:
        """Read the API's object. Raises KeyError when it is not one."""
        return cls(
            id=data["id"],
            fingerprint=data.get("fingerprint") or "",
            comment=data.get("comment") or "",
            email=data.get("email"),
            public_key=data.get("public_key") or "",
        )


@dataclass(frozen=True)
class Domain:
    """A host name, or a path on one, that leads to an app. `kind` is platform's own ("heroku" in the API's words) or
    custom. `acm_status`: of its automatic certificate, in Heroku's words."""

    hostname: str
    kind: str
    status: str
    redirect_to: str | None
    strip_path: bool
    created_at: str | None
    acm_status: str | None
    acm_status_reason: str | None

    @classmethod
    def of(cls, data: Json) -> Domain:
        """Read the API's object. Raises KeyError when it is not one."""
        return cls(
            hostname=data["hostname"],
            kind="custom" if data.get("kind") == "custom" else "platform",
            status=data.get("status") or "none",
            redirect_to=data.get("redirect_to"),
            strip_path=bool(data.get("strip_path")),
            created_at=data.get("created_at"),
            acm_status=data.get("acm_status"),
            acm_status_reason=data.get("acm_status_reason"),
        )


@dataclass(frozen=True)
class Proxy:
    """How requests are passed on to an app. None: the server does not know of it."""

    protocol: str
    sticky: bool | None
    retry_posts: bool | None

    @classmethod
    def of(cls, data: Json) -> Proxy:
        """Read the API's object. Raises KeyError when it is not one."""
        return cls(data["protocol"], data.get("sticky"), data.get("retry_posts"))


@dataclass(frozen=True)
class Volume:
    """A named volume. `path` is None while it is mounted nowhere; `types` empty: in all process types."""

    name: str
    path: str | None
    types: tuple[str, ...]
    size_bytes: int | None
    created_at: str | None

    @classmethod
    def of(cls, data: Json) -> Volume:
        """Read the API's object. Raises KeyError when it is not one."""
        return cls(
            name=data["name"],
            path=data.get("path"),
            types=tuple(data.get("types") or ()),
            size_bytes=data.get("size_bytes"),
            created_at=data.get("created_at"),
        )


def read(of: Callable[[Json], _Record], data: Any) -> _Record:
    """`data` as one of the records above.

    Raises:
        Lacking: the answer is not what this API gives.
    """
    try:
        return of(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Lacking(f"{type(error).__name__} {error}") from None


def _email(person: Any) -> str | None:
    email = person.get("email") if isinstance(person, dict) else person
    return str(email) if email else None
