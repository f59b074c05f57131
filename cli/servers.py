"""Server addresses: how a person may write one, and the one form in which we keep it."""

from __future__ import annotations

from urllib.parse import urlsplit

from cli.errors import CliError

LOCAL_SERVER = "http://127.0.0.1:5000"
"""Where a Portside on this machine listens unless it was told otherwise."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Whether traffic to `host` stays on this machine."""
    return host in {"localhost", "::1"} or host.startswith("127.") or host.endswith(".localhost")


def normalise_server(text: str) -> str:
    """`text` as `scheme://host[:port]`: https unless it says otherwise or names this machine.

    Raises:
        CliError: it is not the address of a server. The text is not repeated when it holds a password.
    """
    written = text.strip()
    if "://" not in written:
        host = _host_of(f"//{written}")
        written = f"{'http' if is_loopback(host) else 'https'}://{written}"
    try:
        parts = urlsplit(written)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise _not_a_server(text) from None
    if parts.username is not None or parts.password is not None:
        raise CliError("A server's address must not hold a user or a password.", "Give it as https://HOST[:PORT].")
    if parts.scheme not in _DEFAULT_PORTS or not host or any(c.isspace() for c in host):
        raise _not_a_server(text)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _not_a_server(text)
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{shown_host}{shown_port}"


def host_of(server: str) -> str:
    """The host name of a normalised server."""
    return _host_of(server)


def sends_in_clear(server: str) -> bool:
    """Whether a password sent to `server` can be read on the way."""
    return server.startswith("http://") and not is_loopback(_host_of(server))


def _host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _not_a_server(text: str) -> CliError:
    return CliError(
        f"{text!r} is not the address of a server.",
        "Give it as https://HOST[:PORT], for example https://paas.example.com.",
    )
