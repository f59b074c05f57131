"""Pebble, Let's Encrypt's small test authority, with the DNS that it asks: real programs, on ports of their own."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from router import AcmeSettings
from tests.router.authority import Authority
from tests.traces import free_ports

PATIENCE_S = 20
_HOOK = """#!{python}
import json, sys, urllib.request
verb, name, value = sys.argv[1:]
with open("{folder}/hook.calls", "a") as calls:
    print(*sys.argv[1:], file=calls)
words = {{"host": name + "."}} | ({{"value": value}} if verb == "set" else {{}})
place = "http://127.0.0.1:{port}/" + ("set-txt" if verb == "set" else "clear-txt")
urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(place, json.dumps(words).encode(), timeout=20)
"""


class Pebble:
    """An authority that comes to `http_port` to see that a host is ours. `settings` are those of a Portside with it.

    Every name leads to 127.0.0.1, until `lead` says otherwise. `bound_by`: the ids of external accounts, of which it
    then wants one, with their keys.
    """

    def __init__(self, http_port: int, folder: Path, port: int = 0, bound_by: Mapping[str, str] | None = None) -> None:
        spare, self._management, self._dns, self._dns_management = free_ports(4)
        port = port or spare
        web = Authority()
        chain, key = web.issue("localhost")
        trusted = web.trusted_at(folder / "pebble-trusted.pem")
        (folder / "pebble.pem").write_text(chain)
        (folder / "pebble.key").write_text(key)
        config = {
            "listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(folder / "pebble.pem"), "privateKey": str(folder / "pebble.key"),
            "httpPort": http_port, "tlsPort": 1, "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(bound_by), "externalAccountMACKeys": dict(bound_by or {}),
        }  # fmt: skip
        (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
        self._context = ssl.create_default_context(cafile=str(trusted))
        self._programs: list[subprocess.Popen[bytes]] = []
        self._log = folder / "pebble.log"
        self._folder = folder
        self.settings: dict[str, Any] = {
            "directory": f"https://localhost:{port}/dir", "ca_file": str(trusted), "agree_terms": True,
            "private_hosts": True, "check_port": http_port, "email": "tester@example.com",
        }  # fmt: skip

    def acme(self, **others: object) -> AcmeSettings:
        return AcmeSettings(**{**self.settings, **others})

    def start(self) -> Pebble:
        calm = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
        dns = ["-dns01", f"127.0.0.1:{self._dns}", "-management", f"127.0.0.1:{self._dns_management}"]
        nothing = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""]
        self._run(["pebble-challtestsrv", *dns, *nothing], calm)
        argv = ["pebble", "-config", str(self._folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{self._dns}"]
        self._run(argv, calm)
        self._ask(self.settings["directory"])
        self.lead("ready.example.com", "127.0.0.1")
        return self

    def stop(self) -> None:
        for program in reversed(self._programs):
            program.kill()
            program.wait(PATIENCE_S)

    def root(self) -> str:
        """The certificate that clients of ours are to trust."""
        return self._ask(f"https://localhost:{self._management}/roots/0")

    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text()

    def orders(self) -> int:
        """How many have been begun there."""
        return self.log().count("POST /order-plz")

    def lead(self, host: str, address: str) -> None:
        """Have the authority find the host at another address, of either kind."""
        self._tell("clear-a", {"host": f"{host}."})
        self._tell("add-aaaa" if ":" in address else "add-a", {"host": f"{host}.", "addresses": [address]})

    def hook(self) -> str:
        """A program that puts TXT records into the authority's DNS, as `dns_hook` wants it; it notes its calls."""
        path = self._folder / "hook"
        path.write_text(_HOOK.format(python=sys.executable, folder=self._folder, port=self._dns_management))
        path.chmod(0o700)
        return str(path)

    def hook_calls(self) -> list[list[str]]:
        return [line.split() for line in (self._folder / "hook.calls").read_text().splitlines()]

    def _run(self, argv: list[str], environ: dict[str, str]) -> None:
        with open(self._log, "ab") as log:
            self._programs.append(subprocess.Popen(argv, stdout=log, stderr=log, env=environ))

    def _ask(self, address: str) -> str:
        transport = httpx.HTTPTransport(verify=self._context)
        return self._until(lambda client: client.get(address), transport)

    def _tell(self, what: str, words: dict[str, object]) -> None:
        address = f"http://127.0.0.1:{self._dns_management}/{what}"
        self._until(lambda client: client.post(address, json=words), httpx.HTTPTransport())

    def _until(self, ask: Any, transport: httpx.HTTPTransport) -> str:
        """The answer, as soon as there is one: they may just be starting."""
        from tests.router.conftest import wait_until

        answers: list[str] = []

        def answered() -> bool:
            try:
                answers.append(ask(client).raise_for_status().text)
            except httpx.TransportError:
                return False
            return True

        with httpx.Client(transport=transport, trust_env=False, timeout=PATIENCE_S) as client:
            wait_until(answered, f"pebble answers: {self._log.read_text()}")
        return answers[0]
