"""Whether a host leads to this server's router, as a certificate authority would find it: asked before anything is
ordered, since an authority allows few failures."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import socket
from collections.abc import Callable
from http import HTTPStatus

PROOF_PATH = "/.well-known/acme-challenge/"
_TIMEOUT_S = 5.0
_HTTP_PORT = 80
_IPV6 = 6
_ELSEWHERE = (301, 302, 303, 307, 308)
_NO_WAY = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""This machine has no IPv6, say: that tells nothing about the host."""


def addresses(host: str) -> list[str]:
    """Where the name leads, as this machine resolves it; raises OSError. `*.localhost` is this machine (RFC 6761)."""
    if host.endswith(".localhost"):
        return ["127.0.0.1"]
    found = socket.getaddrinfo(host, _HTTP_PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for _, _, _, _, sockaddr in found))


class Reach:
    """`port`: where the authority comes to. `resolve` gives a host's addresses, and raises OSError."""

    def __init__(self, port: int = _HTTP_PORT, resolve: Callable[[str], list[str]] = addresses) -> None:
        self._port = port
        self._resolve = resolve

    def trouble(self, host: str, token: str, answer: str) -> str:
        """What is wrong, in words; "" where every address of the host gives `answer` at `token`."""
        try:
            found = self._resolve(host)
        except OSError:
            return f"{host} does not resolve: give it a DNS record that leads to this server."
        return next(filter(None, (self._trouble_at(address, host, token, answer) for address in found)), "")

    def _trouble_at(self, address: str, host: str, token: str, answer: str) -> str:
        port = "" if self._port == _HTTP_PORT else f":{self._port}"
        connection = http.client.HTTPConnection(address, self._port, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", PROOF_PATH + token, headers={"Host": f"{host}{port}", "Connection": "close"})
            response = connection.getresponse()
            body = response.read(1000)
        except OSError as error:
            if error.errno in _NO_WAY and ipaddress.ip_address(address).version == _IPV6:
                return ""
            where = f"{host} leads to {address}, where port {self._port} does not answer"
            return f"{where} ({error.strerror or 'no answer in time'}): lead it to this server's router."
        except http.client.HTTPException:
            return (
                f"{host} leads to {address}, where port {self._port} speaks no HTTP: lead it to this server's router."
            )
        finally:
            connection.close()
        if response.status in _ELSEWHERE:  # a proxy before this server, say; the authority follows
            return ""
        if response.status == HTTPStatus.OK and body.strip() == answer.encode():
            return ""
        told = f"which answers with {response.status} and is not this server's router"
        return f"{host} leads to {address}, {told}: change its DNS record."
