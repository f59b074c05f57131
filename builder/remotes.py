"""Which commit a buildpack's address means today, asked of its git server.

The server fetches nothing: the build does, inside its container. It is asked with no configuration but ours, over HTTP
alone, and never for a password; credentials come from the app's config and travel in the environment, not in an argv.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from builder.explain import Plan
from builder.packs import buildpack
from builder.problems import (
    BuildpackEmpty,
    BuildpackNotGit,
    BuildpackPrivate,
    BuildpackRefUnknown,
    BuildpackUnreachable,
    Problem,
    failed,
)
from builder.types import Buildpack
from core.errors import DeadlineExceeded
from core.process import CommandFailed, run

CREDENTIALS = "BUILDPACK_GIT_CREDENTIALS"
TIMEOUT_S = 20.0
_COMMIT = re.compile(r"^[0-9a-f]{40}$")
_PART_OF_A_COMMIT = re.compile(r"^[0-9a-f]{7,39}$")
_PRIVATE = re.compile(
    r"could not read (Username|Password)|Authentication failed|error: 40[13]|terminal prompts disabled"
)
_NOT_GIT = re.compile(r"not found|is this a git repository|not valid|error: 404|unable to update url base")
_ACCESS = re.compile(r"^unable to access '[^']*': ")
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ALLOW_PROTOCOL": "http:https",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "LC_ALL": "C",
}


def pinned(plan: Plan, config: Mapping[str, str]) -> Plan:
    """The same with the commit of each buildpack that has an address; raises BuildFailed when one can't be told."""
    detected = plan.detected
    if not detected.buildpacks:
        return plan
    found = tuple(_pinned(it, config.get(CREDENTIALS, "")) for it in detected.buildpacks)
    values = {**detected.values, **buildpack.values(found)}
    return replace(plan, detected=replace(detected, buildpacks=found, values=values))


def _pinned(it: Buildpack, credentials: str) -> Buildpack:
    """A repository in the app's own files is as fixed as these are."""
    return (
        it if not it.url or it.url.startswith("file:") else replace(it, commit=commit_of(it.url, it.ref, credentials))
    )


def commit_of(url: str, ref: str = "", credentials: str = "", timeout_s: float = TIMEOUT_S) -> str:
    """The commit that a branch or tag is at ("": the one that the server shows first, its HEAD).

    A whole commit is itself, and so is the beginning of one, which a server can't be asked for. `credentials`: lines as
    in https://git-scm.com/docs/git-credential-store. Raises BuildFailed.
    """
    if _COMMIT.match(ref):
        return ref
    wanted = (f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}") if ref else ("HEAD",)
    refs = _refs(url, wanted, credentials, timeout_s)
    found = next((refs[name] for name in wanted if name in refs), None)
    if found is not None:
        return found
    if _PART_OF_A_COMMIT.match(ref):
        return ref
    known = _refs(url, ("refs/heads/*", "refs/tags/*"), credentials, timeout_s)
    if not known:
        raise failed(BuildpackEmpty(url))
    names = (name.removesuffix("^{}").removeprefix("refs/heads/").removeprefix("refs/tags/") for name in known)
    raise failed(BuildpackRefUnknown(url, ref or "HEAD", tuple(dict.fromkeys(names))))


def _refs(url: str, patterns: tuple[str, ...], credentials: str, timeout_s: float) -> dict[str, str]:
    environment = _ENVIRONMENT | _authorization(url, credentials)
    try:
        told = run(["git", "ls-remote", "--", url, *patterns], env=environment, timeout_s=timeout_s)
    except DeadlineExceeded as error:
        raise failed(BuildpackUnreachable(url, f"no answer within {timeout_s:g} s")) from error
    except CommandFailed as error:
        raise failed(_why(url, error.finished.error_text)) from error
    lines = (line.split("\t", 1) for line in told.text.splitlines() if "\t" in line)
    return {name: commit for commit, name in lines}


def _why(url: str, said: str) -> Problem:
    last = next((line for line in reversed(said.splitlines()) if "fatal" in line), said).strip().removeprefix("fatal: ")
    if _PRIVATE.search(said):
        return BuildpackPrivate(url)
    return BuildpackNotGit(url) if _NOT_GIT.search(last) else BuildpackUnreachable(url, _ACCESS.sub("", last))


def _authorization(url: str, credentials: str) -> dict[str, str]:
    """The header that a server asks for, as configuration in the environment (git-config(1), GIT_CONFIG_COUNT)."""
    place = urlsplit(url)
    host = f"{place.hostname}:{place.port}" if place.port else place.hostname
    for user, password in _logins(credentials, place.scheme, str(host)):
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{place.scheme}://{host}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {token}",
        }
    return {}


def _logins(credentials: str, scheme: str, host: str) -> Iterator[tuple[str, str]]:
    for line in credentials.splitlines():
        before, _, rest = line.strip().partition("://")
        login, _, place = rest.partition("/")[0].rpartition("@")
        if login and before == scheme and place == host:
            user, _, password = login.partition(":")
            yield unquote(user), unquote(password)
