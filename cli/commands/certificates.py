"""Certificates, and how an app uses HTTPS."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from cli.certificates import Certificate, Https
from cli.client import segment
from cli.commandline import app_options, command, json_option
from cli.errors import CliError
from cli.printing import as_json, progress, table
from cli.records import read
from cli.session import Session, pass_session

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@command("certs", examples=["portside certs", "portside certs --json"])
@app_options
@json_option
@pass_session
def certs(session: Session) -> None:
    """List the certificates of an app."""
    target = session.target()
    found = [read(Certificate.of, each) for each in target.api.get_list(target.path("/sni-endpoints"))]
    if session.as_json:
        as_json([asdict(each) for each in found])
    else:
        rows = [(each.name, each.expires_at, ", ".join(each.hosts) or "no domain of the app") for each in found]
        table(("NAME", "EXPIRES", "SHOWN AT"), rows)


@command("certs:info", examples=["portside certs:info www.example.com-1a2b3c"])
@click.argument("name")
@app_options
@json_option
@pass_session
def certs_info(session: Session, name: str) -> None:
    """Show one certificate."""
    target = session.target()
    found = read(Certificate.of, target.api.get(target.path(f"/sni-endpoints/{segment(name)}")))
    if session.as_json:
        as_json(asdict(found))
        return
    lines = {
        "Name": found.name,
        "Names": ", ".join(found.names),
        "Shown at": ", ".join(found.hosts) or "no domain of the app",
        "Subject": found.subject,
        "Issuer": f"{found.issuer}{' (self-signed)' if found.self_signed else ''}",
        "Valid from": found.starts_at,
        "Expires": found.expires_at,
    }
    for label, value in lines.items():
        click.echo(f"{label + ':':<12}{value}")


@command("certs:add", examples=["portside certs:add fullchain.pem privkey.pem"])
@click.argument("chain", type=_FILE)
@click.argument("key", type=_FILE)
@app_options
@json_option
@pass_session
def certs_add(session: Session, chain: Path, key: Path) -> None:
    """Add a certificate (CHAIN, with what stands between it and its authority) and its private key, both PEM."""
    target = session.target()
    answer = target.api.post(target.path("/sni-endpoints"), _body(chain, key))
    _tell(session, read(Certificate.of, answer), "Added")


@command("certs:update", examples=["portside certs:update www.example.com-1a2b3c fullchain.pem privkey.pem"])
@click.argument("name")
@click.argument("chain", type=_FILE)
@click.argument("key", type=_FILE)
@app_options
@json_option
@pass_session
def certs_update(session: Session, name: str, chain: Path, key: Path) -> None:
    """Put a new certificate in the place of one."""
    target = session.target()
    answer = target.api.patch(target.path(f"/sni-endpoints/{segment(name)}"), _body(chain, key))
    _tell(session, read(Certificate.of, answer), "Updated")


@command("certs:remove", examples=["portside certs:remove www.example.com-1a2b3c"])
@click.argument("name")
@app_options
@pass_session
def certs_remove(session: Session, name: str) -> None:
    """Forget a certificate and its key."""
    target = session.target()
    target.api.delete(target.path(f"/sni-endpoints/{segment(name)}"))
    progress(f"Removed {name} from {target.app}.")


@command("https", examples=["portside https", "portside https --json"])
@app_options
@json_option
@pass_session
def https(session: Session) -> None:
    """Show how an app uses HTTPS, at its domains that have a certificate."""
    target = session.target()
    _show(session, read(Https.of, target.api.get(target.path("/https"))))


@command("https:set", examples=["portside https:set --hsts 31536000", "portside https:set --no-redirect"])
@click.option("--redirect/--no-redirect", default=None, help="Send plain HTTP on to HTTPS.")
@click.option("--hsts", "hsts_s", type=int, metavar="SECONDS", help="How long browsers use nothing else; 0: off.")
@app_options
@json_option
@pass_session
def https_set(session: Session, redirect: bool | None, hsts_s: int | None) -> None:
    """Change how an app uses HTTPS."""
    if redirect is None and hsts_s is None:
        raise CliError("Nothing to set.", "For example: portside https:set --hsts 31536000")
    target = session.target()
    _show(session, read(Https.of, target.api.patch(target.path("/https"), {"redirect": redirect, "hsts_s": hsts_s})))


def _body(chain: Path, key: Path) -> dict[str, str]:
    try:
        return {"certificate_chain": chain.read_text(), "private_key": key.read_text()}
    except UnicodeDecodeError as error:
        raise CliError("The files are not PEM.", "Turn DER into it: openssl x509 -inform der -in CERT") from error


def _tell(session: Session, found: Certificate, done: str) -> None:
    if session.as_json:
        as_json(asdict(found))
    where = f"Shown at {', '.join(found.hosts)}." if found.hosts else "It covers no domain of the app."
    progress(f"{done} {found.name}, good until {found.expires_at}. {where}")


def _show(session: Session, found: Https) -> None:
    if session.as_json:
        as_json(asdict(found))
        return
    click.echo(f"redirect  {'on' if found.redirect else 'off'}")
    click.echo(f"hsts      {f'{found.hsts_s} s' if found.hsts_s else 'off'}")


COMMANDS = (certs, certs_info, certs_add, certs_update, certs_remove, https, https_set)
