"""Records as the Platform API shows them, purely.

The fields are those of Heroku's schema that its clients read (https://devcenter.heroku.com/articles/platform-api-reference);
a thing that Portside does not have is null, never left out, since clients fail on missing fields.
"""

from __future__ import annotations

import uuid
from typing import Any

from accounts import Collaborator, Identity, SshKey, Token
from core import clock
from gitreceiver import Push
from releases import App, Release, RollbackPreview
from router import Domain
from scheduler import Formation, InForce, Instance, Run, SizeChange, StorageChange, StoredVolume, check_as_app_json
from web.links import Links

Json = dict[str, Any]
REGION = {"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "region.portside")), "name": "local"}


def account(identity: Identity) -> Json:
    return {
        "id": identity.user_id,
        "email": identity.email,
        "name": None,
        "admin": identity.is_admin,
        "allow_tracking": False,
        "beta": False,
        "federated": False,
        "two_factor_authentication": False,
        "verified": True,
        "default_team": None,
    }


def key(record: SshKey, email: str) -> Json:
    return {
        "id": record.id,
        "comment": record.comment,
        "email": email,
        "fingerprint": record.fingerprint,
        "public_key": record.public_key,
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.created_at),
    }


def authorization(record: Token, identity: Identity, secret: str | None) -> Json:
    """`secret` is given only where the client has it already or must learn it; it is stored nowhere."""
    left_s = None if record.expires_at is None else int((record.expires_at - clock.now()).total_seconds())
    return {
        "id": record.id,
        "description": record.description,
        "scope": ["global"],
        "access_token": {"id": record.id, "token": secret, "expires_in": left_s},
        "client": None,
        "grant": None,
        "refresh_token": None,
        "session": None,
        "user": {"id": identity.user_id, "email": identity.email, "full_name": None},
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.created_at),
    }


def stack(name: str) -> Json:
    return {"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.stack.portside")), "name": name}


def app(
    record: App, owner_email: str, web_url: str | None, stack_name: str, in_maintenance: bool, links: Links
) -> Json:
    return {
        "id": record.id,
        "name": record.name,
        "owner": {"id": record.owner_id, "email": owner_email},
        "web_url": web_url,
        "git_url": links.git(record.name),
        "region": REGION,
        "stack": stack(stack_name),
        "build_stack": stack(stack_name),
        "acm": False,
        "archived_at": None,
        "buildpack_provided_description": None,
        "internal_routing": None,
        "locked": False,
        "maintenance": in_maintenance,
        "organization": None,
        "team": None,
        "space": None,
        "repo_size": None,
        "slug_size": None,
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.updated_at),
        "released_at": None if record.released_at is None else clock.iso(record.released_at),
    }


def release(record: Release, app_name: str, links: Links) -> Json:
    """`commit` and the two reasons are Portside's own: why a release failed, why it can't be brought back."""
    return {
        "id": record.id,
        "version": record.version,
        "status": record.status,
        "description": record.description,
        "current": record.current,
        "eligible_for_rollback": record.restorable,
        "not_eligible_reason": record.why_unrestorable or None,
        "commit": record.commit or None,
        "reason": record.reason or None,
        "user": {"id": record.user_id, "email": record.user_email},
        "app": {"id": record.app_id, "name": app_name},
        "slug": {"id": record.image_id, "commit": record.commit} if record.image_id else None,
        "addon_plan_names": [],
        "output_stream_url": links.output("release", record.app_id, record.id),
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.updated_at),
    }


def preview(record: RollbackPreview) -> Json:
    """What a rollback would change: the names of config vars, never their values."""
    return {
        "version": record.version,
        "commit": record.commit or None,
        "current_version": record.current_version,
        "current_commit": record.current_commit or None,
        "code_changes": record.image_changes,
        "config": {"added": list(record.added), "removed": list(record.removed), "changed": list(record.changed)},
        "lines": record.lines(),
    }


def build(record: Push, app_name: str, release_id: str | None, stack_name: str, links: Links) -> Json:
    """`stack_name`: the app's, of a build that has none of its own yet."""
    changed_at = record.finished_at or record.started_at or record.created_at
    return {
        "id": record.id,
        "status": record.status,
        "state": record.state,
        "reason": record.reason or None,
        "user": {"id": record.user_id, "email": record.email},
        "app": {"id": record.app_id, "name": app_name},
        "buildpacks": [],
        "release": None if release_id is None else {"id": release_id, "version": record.version},
        "slug": None,
        "source_blob": {"checksum": None, "url": None, "version": record.commit, "version_description": None},
        "stack": record.stack or stack_name,
        "built": record.built,
        "total_ms": record.total_ms,
        "steps": [{"name": step.name, "began_ms": step.began_ms, "took_ms": step.took_ms} for step in record.steps],
        "output_stream_url": links.output("build", record.app_id, record.id),
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(changed_at),
    }


def formation(record: Formation, of: App) -> Json:
    """`limits` is Portside's own: what the size means on this server. So is `shrink`, see `scheduler.shrink`."""
    return {
        "id": str(uuid.uuid5(uuid.UUID(of.id), record.process_type)),
        "type": record.process_type,
        "quantity": record.quantity,
        "size": record.size,
        "limits": {"memory_mb": record.limits.memory_mb, "cpus": record.limits.cpus, "pids": record.limits.pids},
        "command": record.command or "",
        "shrink": record.shrink,
        "app": {"id": of.id, "name": of.name},
        "created_at": clock.iso(of.created_at),
        "updated_at": clock.iso(of.updated_at),
    }


def size_change(record: SizeChange, links: Links) -> Json:
    return {
        "id": record.id,
        "status": record.status,
        "description": record.description,
        "reason": record.reason or None,
        "sizes": dict(record.sizes),
        "user": {"email": record.user_email},
        "output_stream_url": links.output("sizes", record.app_id, record.id),
        "created_at": clock.iso(record.created_at),
    }


def check(record: InForce) -> Json:
    return {
        "process_type": record.process_type,
        "asks": str(record.check),
        "source": record.source,
        "check": check_as_app_json(record.check),
    }


def dyno(record: Instance, of: App, kind: Formation | None, release_id: str | None) -> Json:
    """`detail` and `next_attempt_at` are Portside's own: why it has crashed, and when another is started."""
    process_type = record.process.rpartition(".")[0]
    return {
        "id": record.id,
        "name": record.process,
        "type": process_type,
        "state": "up" if record.state == "running" else str(record.state),
        "size": kind.size if kind else None,
        "command": (kind.command if kind else None) or "",
        "attach_url": None,
        "detail": record.detail or None,
        "next_attempt_at": None if record.next_attempt_at is None else clock.iso(record.next_attempt_at),
        "app": {"id": of.id, "name": of.name},
        "release": {"id": release_id, "version": record.version},
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.created_at),
    }


def run(record: Run, of: App, release_id: str | None, attach_url: str | None = None, proof: str = "") -> Json:
    """A one-off run as a dyno. `proof`, the fingerprint of the certificate behind `attach_url`, `exit_code`, `user`
    and `ended_at` are Portside's own."""
    return {
        "id": record.id,
        "name": record.name,
        "type": record.name.partition(".")[0],
        "state": "up" if record.state == "running" else str(record.state),
        "size": record.size,
        "command": record.command,
        "attach_url": attach_url,
        "attach_fingerprint": proof or None,
        "attached": record.attached,
        "exit_code": record.exit_code,
        "detail": record.reason or None,
        "user": {"email": record.user_email},
        "app": {"id": of.id, "name": of.name},
        "release": {"id": release_id, "version": record.version},
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.ended_at or record.started_at or record.created_at),
        "ended_at": None if record.ended_at is None else clock.iso(record.ended_at),
    }


def domain(record: Domain, of: App, target: str) -> Json:
    """`target` is the app's own host name, which a custom domain's CNAME record should name. `redirect_to` and
    `strip_path` are Portside's own."""
    custom = record.kind == "custom"
    return {
        "id": record.id,
        "hostname": record.name,
        "kind": "custom" if custom else "heroku",
        "cname": target if custom else None,
        "status": "succeeded" if custom else "none",
        "acm_status": None,
        "acm_status_reason": None,
        "sni_endpoint": None,
        "redirect_to": record.redirect_to,
        "strip_path": record.strips,
        "app": {"id": of.id, "name": of.name},
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.created_at),
    }


def volume(record: StoredVolume) -> Json:
    """A volume of an app; Portside's own, Heroku has none. `types` empty: in all process types."""
    return {
        "name": record.name,
        "path": record.path,
        "types": list(record.types),
        "size_bytes": record.size_bytes,
        "created_at": clock.iso(record.created_at),
    }


def storage_change(record: StorageChange, links: Links) -> Json:
    return {
        "id": record.id,
        "status": record.status,
        "description": record.description,
        "reason": record.reason or None,
        "name": record.name,
        "path": record.path,
        "types": list(record.types),
        "user": {"email": record.user_email},
        "output_stream_url": links.output("storage", record.app_id, record.id),
        "created_at": clock.iso(record.created_at),
    }


def collaborator(record: Collaborator, of: App) -> Json:
    return {
        "id": record.id,
        "user": {"id": record.user_id, "email": record.email, "federated": False},
        "role": record.role,
        "permissions": [],
        "app": {"id": of.id, "name": of.name},
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.created_at),
    }
