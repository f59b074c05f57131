"""Requests as fast as they are answered, by wrk (https://github.com/wg/wrk): 32 connections that are kept."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 2
CONNECTIONS = 32
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en",
    "Accept-Encoding": "gzip, deflate",
    "Cookie": "session=0123456789abcdef0123456789abcdef",
}
"""As browsers send them: the router looks at each header."""
_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Speed:
    """`per_s` requests were answered; 99 of 100 within `p99_ms`."""

    requests: int
    per_s: float
    p99_ms: float


def script(path: Path, hosts: Sequence[str]) -> Path:
    """Write wrk's program: each request goes to one of these hosts, by chance."""
    headers = ", ".join(f'["{name}"] = "{value}"' for name, value in HEADERS.items())
    names = ", ".join(f'"{host}"' for host in hosts)
    path.write_text(
        f"local hosts, made = {{{names}}}, {{}}\n"
        "function init(args)\n  for number, host in ipairs(hosts) do\n"
        f'    made[number] = wrk.format("GET", "/", {{["Host"] = host, {headers}}})\n  end\nend\n'
        "function request() return made[math.random(#made)] end\n"
    )
    return path


def run(port: int, program: Path) -> Speed:
    """Raises RuntimeError when an answer was no 2xx, or none came."""
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", str(program)]
    done = subprocess.run([*argv, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, timeout=60, check=True)
    return parse(done.stdout)


def parse(text: str) -> Speed:
    """What wrk says. Raises RuntimeError when some requests failed."""
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"not all requests went well: {text}")
    requests = re.search(r"(\d+) requests in", text)
    per_s = re.search(r"Requests/sec:\s+([\d.]+)", text)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", text)
    if requests is None or per_s is None or p99 is None:
        raise RuntimeError(f"wrk said no numbers: {text}")
    return Speed(int(requests[1]), float(per_s[1]), float(p99[1]) * _MS[p99[2]])
