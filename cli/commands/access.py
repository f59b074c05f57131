"""Who gets to an app: networks, and users with passwords."""

from __future__ import annotations

import click

from cli.asking import secret
from cli.client import Json, segment
from cli.commandline import app_options, command, json_option
from cli.errors import CliError
from cli.printing import as_json, problem, progress, table
from cli.session import Session, Target, pass_session

_NETWORKS = click.argument("networks", nargs=-1, required=True, metavar="CIDR...")


@command("access", examples=["portside access", "portside access --json"])
@app_options
@json_option
@pass_session
def access(session: Session) -> None:
    """Show which addresses may reach an app."""
    target = session.target()
    _show(session, target, _rules(target))


@command("access:allow", examples=["portside access:allow 203.0.113.0/24 2001:db8::/32"])
@_NETWORKS
@app_options
@json_option
@pass_session
def access_allow(session: Session, networks: tuple[str, ...]) -> None:
    """Let these addresses reach an app, and no others but those allowed already."""
    _add(session, "allow", networks)


@command("access:deny", examples=["portside access:deny 198.51.100.7"])
@_NETWORKS
@app_options
@json_option
@pass_session
def access_deny(session: Session, networks: tuple[str, ...]) -> None:
    """Let these addresses not reach an app, even where they are allowed."""
    _add(session, "deny", networks)


@command("access:remove", examples=["portside access:remove 198.51.100.7"])
@_NETWORKS
@app_options
@json_option
@pass_session
def access_remove(session: Session, networks: tuple[str, ...]) -> None:
    """Take back that addresses are allowed or denied, as `portside access` shows them."""
    target = session.target()
    ids = {_plain(str(rule["network"])): str(rule["id"]) for rule in _rules(target)}
    unknown = [each for each in networks if _plain(each) not in ids]
    if unknown:
        raise CliError(f"{target.app} has no rule for {', '.join(unknown)}.", "See: portside access")
    for each in dict.fromkeys(map(_plain, networks)):
        target.api.delete(target.path(f"/access-rules/{segment(ids[each])}"))
    _show(session, target, _rules(target))


@command("access:clear", examples=["portside access:clear"])
@app_options
@json_option
@pass_session
def access_clear(session: Session) -> None:
    """Let every address reach an app again."""
    target = session.target()
    target.api.delete(target.path("/access-rules"))
    _show(session, target, [])


@command("auth", examples=["portside auth", "portside auth --json"])
@app_options
@json_option
@pass_session
def auth(session: Session) -> None:
    """List who may use an app by name and password (HTTP basic auth)."""
    target = session.target()
    found = target.api.get_list(target.path("/basic-auth"))
    if session.as_json:
        as_json(found)
    elif found:
        table(("USER", "PASSWORD SET"), [(str(each["user"]), str(each["updated_at"])) for each in found])
    else:
        progress(f"{target.app} asks for no password. Have it ask: portside auth:set USER")


@command("auth:set", examples=["portside auth:set ann", "portside auth:set ann < password-file"])
@click.argument("user")
@app_options
@json_option
@pass_session
def auth_set(session: Session, user: str) -> None:
    """Give USER a password for an app, asked for or read from standard input.

    From the first user on, the app is for its users only. The server keeps no password.
    """
    target = session.target()
    password = secret(f"Password of {user}", twice=True)
    if not password:
        raise CliError("No password came from standard input.", f"Run `portside auth:set {user} < FILE`.")
    login = target.api.put(target.path(f"/basic-auth/{segment(user)}"), {"password": password})
    if session.as_json:
        as_json(login)
    progress(f"{user} may use {target.app} with this password.")


@command("auth:unset", examples=["portside auth:unset ann"])
@click.argument("user")
@app_options
@json_option
@pass_session
def auth_unset(session: Session, user: str) -> None:
    """Take USER's password for an app away. Without any user, it is open to everybody again."""
    target = session.target()
    login = target.api.delete(target.path(f"/basic-auth/{segment(user)}"))
    if session.as_json:
        as_json(login)
    if target.api.get_list(target.path("/basic-auth")):
        progress(f"{user} may not use {target.app} any more.")
    else:
        problem(f"{target.app} asks for no password any more: {user} was the last user.", "See: portside help auth:set")


def _rules(target: Target) -> list[Json]:
    return target.api.get_list(target.path("/access-rules"))


def _add(session: Session, verdict: str, networks: tuple[str, ...]) -> None:
    target = session.target()
    answer = target.api.post(target.path("/access-rules"), {"verdict": verdict, "networks": list(networks)})
    _show(session, target, list(answer["rules"]))


def _show(session: Session, target: Target, rules: list[Json]) -> None:
    if session.as_json:
        as_json(rules)
        return
    if rules:
        table(("RULE", "NETWORK"), [(str(rule["verdict"]), str(rule["network"])) for rule in rules])
    if any(rule["verdict"] == "allow" for rule in rules):
        progress(f"Only the allowed addresses reach {target.app}; of these, none of the denied.")
    else:
        progress(f"Every {'other ' if rules else ''}address reaches {target.app}.")


def _plain(network: str) -> str:
    """One address and the network of it alone are the same."""
    return network.strip().lower().removesuffix("/128" if ":" in network else "/32")


COMMANDS = (access, access_allow, access_deny, access_remove, access_clear, auth, auth_set, auth_unset)
