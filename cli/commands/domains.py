"""Domains: the host names that lead to an app."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from cli.client import segment
from cli.commandline import app_options, command, json_option
from cli.errors import OutcomeFailed
from cli.printing import as_json, progress, table
from cli.records import Domain, read
from cli.session import Session, pass_session

_POLL_S = 1.0


@command("domains", examples=["portside domains", "portside domains --json"])
@app_options
@json_option
@pass_session
def domains(session: Session) -> None:
    """List the domains of an app."""
    target = session.target()
    found = [read(Domain.of, each) for each in target.api.get_list(target.path("/domains"))]
    if session.as_json:
        as_json([asdict(domain) for domain in found])
    else:
        _print(found)


def _print(found: list[Domain]) -> None:
    """As a table, with columns for redirects and for automatic certificates where there are any."""
    heads, rows = ["DOMAIN", "KIND"], [[domain.hostname, domain.kind] for domain in found]
    if any(domain.redirect_to for domain in found):
        heads.append("REDIRECTS TO")
        rows = [[*row, domain.redirect_to or ""] for row, domain in zip(rows, found, strict=True)]
    if any(domain.acm_status for domain in found):
        heads.append("CERTIFICATE")
        rows = [[*row, _certificate(domain)] for row, domain in zip(rows, found, strict=True)]
    table(heads, rows)


def _certificate(domain: Domain) -> str:
    """How its automatic certificate stands, with the reason where there is one."""
    status = domain.acm_status or ""
    return f"{status}: {domain.acm_status_reason}" if domain.acm_status_reason else status


@command(
    "domains:add",
    examples=[
        "portside domains:add www.example.com",
        "portside domains:add '*.example.com'",
        "portside domains:add example.com --redirect-to www.example.com",
        "portside domains:add www.example.com/api -a api",
    ],
)
@click.argument("hostname", metavar="HOSTNAME[/PATH]")
@click.option("--redirect-to", metavar="DOMAIN", help="Send its visitors on to another domain of the app.")
@click.option("--strip-path", is_flag=True, help="Take the path away before the app sees a request.")
@app_options
@json_option
@pass_session
def domains_add(session: Session, hostname: str, redirect_to: str | None, strip_path: bool) -> None:
    """Make a domain, or a path on another app's domain, lead to an app. Its DNS must point to the server."""
    target = session.target()
    body: dict[str, str | bool] = {"hostname": hostname}
    body |= {"redirect_to": redirect_to} if redirect_to else {}
    body |= {"strip_path": True} if strip_path else {}
    domain = read(Domain.of, target.api.post(target.path("/domains"), body))
    if session.as_json:
        as_json(asdict(domain))
    progress(f"Added {domain.hostname} to {target.app}. Point its DNS to the server if it does not yet.")


@command("domains:remove", examples=["portside domains:remove www.example.com"])
@click.argument("hostname")
@app_options
@pass_session
def domains_remove(session: Session, hostname: str) -> None:
    """Take a domain away from an app."""
    target = session.target()
    target.api.delete(target.path(f"/domains/{segment(hostname)}"))
    progress(f"Removed {hostname} from {target.app}.")


@command("domains:wait", examples=["portside domains:wait", "portside domains:wait www.example.com --timeout 60"])
@click.argument("hostname", required=False)
@click.option("--timeout", "timeout_s", default=300.0, show_default=True, metavar="SECONDS", help="How long to wait.")
@app_options
@pass_session
def domains_wait(session: Session, hostname: str | None, timeout_s: float) -> None:
    """Wait until the router serves a domain, or all of the app's."""
    target = session.target()
    listed = [read(Domain.of, each) for each in target.api.get_list(target.path("/domains"))]
    deadline = time.monotonic() + timeout_s
    for name in [hostname] if hostname else [domain.hostname for domain in listed]:
        path = target.path(f"/domains/{segment(name)}")
        while read(Domain.of, target.api.get(path)).status == "pending":
            if time.monotonic() > deadline:
                raise OutcomeFailed(
                    f"{name} is not served after {timeout_s:.0f} s.", "See the server: portside-server status"
                )
            time.sleep(_POLL_S)
        progress(f"{name} is served.")


COMMANDS = (domains, domains_add, domains_remove, domains_wait)
