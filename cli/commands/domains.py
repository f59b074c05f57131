"""Domains: the host names that lead to an app."""

from __future__ import annotations

from dataclasses import asdict

import click

from cli.client import segment
from cli.commandline import app_options, command, json_option
from cli.printing import as_json, progress, table
from cli.records import Domain, read
from cli.session import Session, pass_session


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
        table(("DOMAIN", "KIND"), [(domain.hostname, domain.kind) for domain in found])


@command("domains:add", examples=["portside domains:add www.example.com"])
@click.argument("hostname")
@app_options
@json_option
@pass_session
def domains_add(session: Session, hostname: str) -> None:
    """Make a domain lead to an app. Its DNS must point to the server."""
    target = session.target()
    domain = read(Domain.of, target.api.post(target.path("/domains"), {"hostname": hostname}))
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


COMMANDS = (domains, domains_add, domains_remove)
