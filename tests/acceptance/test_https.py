"""A real client over TLS, to an app of the platform, with a certificate that its owner added from the command line."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from pathlib import Path

import pytest

from tests.acceptance.site import Site
from tests.router.authority import Authority

pytestmark = pytest.mark.platform


def test_an_app_is_served_over_tls_with_its_own_certificate(live_site: Site, tmp_path: Path) -> None:
    platform, authority, host = live_site.platform, Authority(), f"{live_site.name}.localhost"
    chain, key = authority.issue(host)
    (tmp_path / "chain.pem").write_text(chain)
    (tmp_path / "key.pem").write_text(key)
    added = live_site.cli("certs:add", str(tmp_path / "chain.pem"), str(tmp_path / "key.pem"))
    assert f"Shown at {host}." in added.output, added.output
    assert host in live_site.cli("certs").output

    context = ssl.create_default_context(cadata=authority.root)
    client = http.client.HTTPSConnection(host, platform.https, timeout=20, context=context)
    client._create_connection = lambda address, *rest: _connect(platform.https, *rest)  # type: ignore[attr-defined]
    client.request("GET", "/")
    answer = client.getresponse()
    assert answer.status == 200, answer.read()
    client.close()

    redirected = platform.get(live_site.name)
    assert redirected.status_code == 308
    assert redirected.headers["location"] == f"https://{host}:{platform.https}/"
    info = json.loads(live_site.cli("info", "--json").output)
    assert f"https://{host}:{platform.https}" in json.dumps(info)


def _connect(port: int, *rest: object) -> object:
    """`*.localhost` does not resolve everywhere."""
    return socket.create_connection(("127.0.0.1", port), timeout=20)
