"""A real client over TLS, to an app of the platform: with a certificate that its owner added from the command line, and
with those that a real authority gives."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from pathlib import Path

import pytest

from tests.acceptance.site import Site
from tests.live import LivePlatform
from tests.router.authority import Authority
from tests.router.pebble import Pebble

pytestmark = pytest.mark.platform


def test_an_app_is_served_over_tls_with_its_own_certificate(live_site: Site, tmp_path: Path) -> None:
    platform, authority, host = live_site.platform, Authority(), f"{live_site.name}.localhost"
    chain, key = authority.issue(host)
    (tmp_path / "chain.pem").write_text(chain)
    (tmp_path / "key.pem").write_text(key)
    added = live_site.cli("certs:add", str(tmp_path / "chain.pem"), str(tmp_path / "key.pem"))
    assert f"Shown at {host}." in added.output, added.output
    assert host in live_site.cli("certs").output

    assert _status(platform, host, authority.root) == 200

    redirected = platform.get(live_site.name)
    assert redirected.status_code == 308
    assert redirected.headers["location"] == f"https://{host}:{platform.https}/"
    info = json.loads(live_site.cli("info", "--json").output)
    assert f"https://{host}:{platform.https}" in json.dumps(info)


def test_every_domain_of_an_app_gets_a_certificate_from_a_real_authority(live_site: Site) -> None:
    platform, own = live_site.platform, f"{live_site.name}.localhost"
    pebble = Pebble(platform.http, platform.folder, platform.acme)
    try:
        pebble.start()
        enabled = live_site.cli("certs:auto", "enable")
        assert own in enabled.output, enabled.output
        later = f"www.{own}"
        assert live_site.cli("domains:add", later).code == 0
        deadline = time.monotonic() + 150
        while (told := _states(live_site)) != {own: "issued", later: "issued"}:
            assert time.monotonic() < deadline, told
            time.sleep(0.2)
        for host in (own, later):
            assert _status(platform, host, pebble.root()) == 200
    finally:
        pebble.stop()
    assert platform.get(live_site.name).status_code == 308
    assert f"{own}-auto" in live_site.cli("certs").output
    assert live_site.cli("domains").output.count("cert issued") == 2
    assert f"portside[certs]: {later}: certificate issued, good until " in live_site.cli("logs", "-p", "certs").output


def _states(site: Site) -> dict[str, str]:
    told = json.loads(site.cli("certs:auto", "--json").output)
    return {each["hostname"]: each["reason"] or each["state"] for each in told["hosts"]}


def _status(platform: LivePlatform, host: str, root: str) -> int:
    """Of the app's answer to a client that trusts `root` alone."""
    context = ssl.create_default_context(cadata=root)
    client = http.client.HTTPSConnection(host, platform.https, timeout=20, context=context)
    client._create_connection = lambda address, *rest: _connect(platform.https, *rest)  # type: ignore[attr-defined]
    try:
        client.request("GET", "/")
        return client.getresponse().status
    finally:
        client.close()


def _connect(port: int, *rest: object) -> object:
    """`*.localhost` does not resolve everywhere."""
    return socket.create_connection(("127.0.0.1", port), timeout=20)
