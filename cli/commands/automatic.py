"""Certificates that the server asks for by itself."""

from __future__ import annotations

from dataclasses import asdict

import click

from cli.certificates import Automatic, AutomaticHost
from cli.commandline import app_options, command, json_option
from cli.printing import as_json, data, progress, table
from cli.records import read
from cli.session import Session, pass_session

_ACTIONS = ("enable", "disable", "refresh")
_EXAMPLES = ["portside certs:auto", *(f"portside certs:auto {action}" for action in _ACTIONS)]
_WORDS = {"pending": "pending", "issued": "issued", "failing": "FAILING", "own": "own certificate", "excluded": "none"}


@command("certs:auto", examples=_EXAMPLES)
@click.argument("action", type=click.Choice(_ACTIONS), required=False)
@app_options
@json_option
@pass_session
def certs_auto(session: Session, action: str | None) -> None:
    """Have the domains of an app get certificates by themselves; without ACTION, show how each stands.

    `enable` and `disable` hold for domains that are added later, too. `refresh` tries now what has failed.
    """
    _do(session, action)


def _shortcut(action: str) -> click.Command:
    """`certs:auto:enable`, as Heroku's command has it."""

    @command(f"certs:auto:{action}", hidden=True)
    @app_options
    @json_option
    @pass_session
    def shortcut(session: Session) -> None:
        _do(session, action)

    return shortcut


def _do(session: Session, action: str | None) -> None:
    target = session.target()
    match action:
        case "enable":
            target.api.post(target.path("/acm"), {})
        case "disable":
            target.api.delete(target.path("/acm"))
        case "refresh":
            target.api.patch(target.path("/acm"), {})
    _show(session, read(Automatic.of, target.api.get(target.path("/acm"))))


def _show(session: Session, found: Automatic) -> None:
    if session.as_json:
        as_json(asdict(found))
        return
    if not found.enabled:
        data("off")
        progress("Turn it on: portside certs:auto enable")
        return
    table(("DOMAIN", "STATUS", "EXPIRES", "WHY"), [_row(each) for each in found.hosts])


def _row(host: AutomaticHost) -> tuple[str, str, str, str]:
    why = host.reason or ""
    if host.state == "failing" and host.next_at:
        why = f"{why.rstrip('.')}. Next attempt: {host.next_at}"
    return host.hostname, _WORDS.get(host.state, host.state), host.expires_at or "-", why


COMMANDS = (certs_auto, *map(_shortcut, _ACTIONS))
