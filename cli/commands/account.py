"""Logging in and out, and who one is."""

from __future__ import annotations

import re
import sys
from socket import gethostname

import click

from cli import credentials
from cli.asking import secret
from cli.client import Api, segment
from cli.commandline import command, json_option
from cli.credentials import Login
from cli.errors import ApiError, CliError, Lacking, NotLoggedIn
from cli.printing import as_json, data, problem, progress
from cli.servers import normalise_server, sends_in_clear
from cli.session import Session, pass_session

_LOOKS_LIKE_A_SERVER = re.compile(r"://|[.:]|^localhost$")


@command(
    "login",
    examples=[
        "portside login",
        "portside login https://paas.example.com",
        "portside login https://paas.example.com --email me@example.com",
        "portside login https://paas.example.com --token < token-file",
    ],
)
@click.argument("url", required=False)
@click.option("--email", metavar="EMAIL", help="Your email; asked for when not given.")
@click.option("--token", "by_token", is_flag=True, help="Read an API token from standard input instead of a password.")
@json_option
@pass_session
def login(session: Session, url: str | None, email: str | None, by_token: bool) -> None:
    """Log in to a server and make it the default.

    A token of your own is made for this machine and kept in ~/.config/portside, which only you can read:
    credentials.json, and git-credentials for git. The password is not kept.
    """
    if url is not None and not _LOOKS_LIKE_A_SERVER.search(url):
        raise click.UsageError(
            "URL must be the address of a server, like https://paas.example.com. A token is read from standard input."
        )
    server = normalise_server(url) if url else session.default_server
    if sends_in_clear(server):
        problem(f"{server} is not encrypted: what you send can be read on the way.")
    found = _with_token(server) if by_token else _with_password(server, email)
    credentials.save(session.credentials_path, session.credentials.with_login(server, found))
    if session.as_json:
        as_json({"server": server, "email": found.email})
    else:
        progress(f"Logged in to {server} as {found.email}.")
    if session.environ.get("PORTSIDE_TOKEN"):
        problem("PORTSIDE_TOKEN is set and is used instead of this login.", "Run `unset PORTSIDE_TOKEN` to use it.")


def _with_token(server: str) -> Login:
    token = secret("Token")
    if not token:
        raise CliError("No token came from standard input.", "Run `portside login URL --token < FILE`.")
    account = Api(server, token, "Check the token.").get("/account")
    return Login(str(account.get("email", "")), token)


def _with_password(server: str, email: str | None) -> Login:
    if email is None:
        if not sys.stdin.isatty():
            raise CliError(
                "There is no terminal to ask for email and password.",
                "Run `portside login URL --token < FILE`, or give --email and the password on standard input.",
            )
        progress(f"Log in to {server}.")
        email = click.prompt("Email", err=True)
    password = secret("Password")
    body = {"description": f"portside login from {gethostname()}", "scope": ["global"]}
    api = Api(server, None, "Check the email and the password.")
    authorization = api.post("/oauth/authorizations", body, basic=(str(email), password))
    try:
        token = str(authorization["access_token"]["token"])
    except (Lacking, TypeError):
        raise CliError(f"{server} gave no token.", "Check the address.") from None
    known_as = (authorization.get("user") or {}).get("email") or email
    return Login(str(known_as), token, authorization.get("id"))


@command("logout", examples=["portside logout", "portside logout https://paas.example.com"])
@click.argument("url", required=False)
@pass_session
def logout(session: Session, url: str | None) -> None:
    """Log out of a server: forget its token here, and end it there if `login` made it."""
    server = normalise_server(url) if url else session.default_server
    known = session.credentials.servers.get(server)
    if known is None:
        raise NotLoggedIn(server)
    credentials.save(session.credentials_path, session.credentials.without(server))
    try:
        if known.authorization_id:
            Api(server, known.token).delete(f"/oauth/authorizations/{segment(known.authorization_id)}")
    except CliError as error:
        already_gone = isinstance(error, ApiError) and error.status in {401, 404}
        if not already_gone:
            problem(f"The token is forgotten here, but {server} did not end it: {error.message}")
    progress(f"Logged out of {server}.")


@command("whoami", examples=["portside whoami", "portside whoami --json"])
@json_option
@pass_session
def whoami(session: Session) -> None:
    """Show who you are logged in as."""
    api = session.api()
    email = str(api.get("/account").get("email", ""))
    if session.as_json:
        as_json({"email": email, "server": api.server})
    else:
        data(email)
        progress(f"on {api.server}")


COMMANDS = (login, logout, whoami)
