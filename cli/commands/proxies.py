"""How requests are passed on to an app."""

from __future__ import annotations

from dataclasses import asdict

import click

from cli.commandline import app_options, command, json_option
from cli.errors import CliError
from cli.printing import as_json, progress
from cli.records import Proxy, read
from cli.session import Session, pass_session

_ON = {True: "on", False: "off", None: "not known to this server"}


@command("proxy", examples=["portside proxy", "portside proxy --json"])
@app_options
@json_option
@pass_session
def proxy(session: Session) -> None:
    """Show how requests are passed on to an app."""
    target = session.target()
    _show(session, read(Proxy.of, target.api.get(target.path("/proxy"))))


@command("proxy:set", examples=["portside proxy:set --protocol h2c", "portside proxy:set --sticky --retry-posts"])
@click.option("--protocol", type=click.Choice(["http1", "h2c"]), help="What the app's instances speak; h2c for gRPC.")
@click.option("--sticky/--no-sticky", default=None, help="Send each visitor to the instance that served them first.")
@click.option(
    "--retry-posts/--no-retry-posts",
    default=None,
    help="Send POSTs (and PUTs, PATCHes, DELETEs) to another instance when theirs dies: the app may do one twice.",
)
@app_options
@json_option
@pass_session
def proxy_set(session: Session, protocol: str | None, sticky: bool | None, retry_posts: bool | None) -> None:
    """Change how requests are passed on to an app."""
    named = {"protocol": protocol, "sticky": sticky, "retry_posts": retry_posts}
    wanted = {name: value for name, value in named.items() if value is not None}
    if not wanted:
        raise CliError("Nothing to set.", "For example: portside proxy:set --sticky")
    target = session.target()
    _show(session, read(Proxy.of, target.api.patch(target.path("/proxy"), wanted)))
    if protocol is not None:
        progress("The protocol holds from the next release on. If the app runs already: push again.")


def _show(session: Session, found: Proxy) -> None:
    if session.as_json:
        as_json(asdict(found))
        return
    click.echo(f"protocol     {found.protocol}")
    click.echo(f"sticky       {_ON[found.sticky]}")
    click.echo(f"retry-posts  {_ON[found.retry_posts]}")


COMMANDS = (proxy, proxy_set)
