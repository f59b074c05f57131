"""What is compared with the router, each as a process to start and end, and the backend behind them all."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from router.program import find_haproxy
from server import procfs
from server.machine import search_path

PATIENCE_S = 60.0
LOOK_EVERY_S = 0.005
THREADS = 2


@dataclass(frozen=True)
class Proxy:
    """`argv` runs it in the foreground. `handed`: descriptors that it inherits."""

    name: str
    port: int
    argv: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    handed: tuple[int, ...] = ()


class Running:
    """A proxy that answers."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def _pids(self) -> list[int]:
        first = psutil.Process(self._process.pid)
        return [first.pid, *(child.pid for child in first.children(recursive=True))]

    @property
    def memory_mb(self) -> float:
        """PSS of all its processes."""
        return sum(procfs.memory_bytes(pid) for pid in self._pids()) / 1e6

    @property
    def cpu_s(self) -> float:
        """What its threads have run for so far (proc_pid_schedstat)."""
        tasks = [task for pid in self._pids() for task in Path(f"/proc/{pid}/task").iterdir()]
        return sum(_ran_ns(task / "schedstat") for task in tasks) / 1e9


def _ran_ns(path: Path) -> int:
    """0 of a thread that has ended meanwhile."""
    try:
        return int(path.read_text().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return 0


@contextmanager
def running(proxy: Proxy, host: str, log: Path) -> Iterator[Running]:
    """From its first answer for `host` to the end of the block."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            proxy.argv, env={**os.environ, **proxy.environ}, pass_fds=proxy.handed, stdout=said, stderr=said
        )
    try:
        _until_it_answers(proxy, host, process, log)
        yield Running(process)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)


def _until_it_answers(proxy: Proxy, host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not answers(proxy.port, host):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{proxy.name} does not answer: {log.read_text()[-500:]}")
        time.sleep(LOOK_EVERY_S)


def answers(port: int, host: str) -> bool:
    """Whether a 200 comes for this host."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


_HAPROXY = (
    f"global\n  maxconn 4000\n  nbthread {THREADS}\n{{log}}"
    "defaults\n  mode http\n  timeout connect 1s\n  timeout client 55s\n  timeout server 55s\n"
)


def passing_haproxy(folder: Path, port: int, backend: int) -> Proxy:
    """One frontend, one backend, and nothing that a front door does: no table, no log, no header."""
    path = folder / "passing.cfg"
    path.write_text(
        f"{_HAPROXY.format(log='')}frontend http\n  bind 127.0.0.1:{port}\n  default_backend all\n"
        f"backend all\n  server one 127.0.0.1:{backend}\n"
    )
    return Proxy("passing HAProxy", port, [find_haproxy(), "-db", "-f", str(path)])


def bare_haproxy(folder: Path, port: int, backend: int, hosts: Sequence[str], log: int) -> Proxy:
    """What an operator writes by hand for the same apps, as the nginx below: every host in a map, a backend for each
    app, an access log (into `log`, as the router's), a request id, and the headers that tell of the client."""
    path, table = folder / "bare.cfg", folder / "bare.map"
    table.write_text("".join(f"{host} app{number}\n" for number, host in enumerate(hosts)))
    apps = "".join(
        f"backend app{number}\n  server one 127.0.0.1:{backend} check inter 60s\n" for number in range(len(hosts))
    )
    told = {
        "X-Forwarded-Proto": "%[ssl_fc,iif(https,http)]", "X-Forwarded-Port": "%[dst_port]",
        "X-Request-Start": "t=%[date(0,ms)]",
    }  # fmt: skip
    headers = "".join(f"  http-request set-header {name} {value}\n" for name, value in told.items())
    path.write_text(
        f"{_HAPROXY.format(log=f'  log fd@{log} format raw local0 info' + chr(10))}"
        f"  log global\n  option httplog\n  option forwardfor\n"
        f"frontend http\n  bind 127.0.0.1:{port}\n"
        f"  unique-id-format %[uuid()]\n  unique-id-header X-Request-Id\n{headers}"
        f"  use_backend %[req.hdr(host),host_only,lower,map_str({table},nobodys)]\n"
        f"backend nobodys\n  http-request return status 404\n{apps}"
    )
    return Proxy("bare HAProxy", port, [find_haproxy(), "-db", "-f", str(path)], handed=(log,))


def nginx(folder: Path, port: int, backend: int, hosts: Sequence[str]) -> Proxy:
    """A server and an upstream for each app, with an access log and the headers that tell of the client."""
    apps = "\n".join(
        f"upstream app{number} {{ server 127.0.0.1:{backend}; keepalive 32; }}\n"
        f"server {{ listen 127.0.0.1:{port}; server_name {host}; location / {{ proxy_pass http://app{number}; }} }}"
        for number, host in enumerate(hosts)
    )
    told = {
        "Host": "$http_host", "Connection": '""', "X-Forwarded-For": "$remote_addr", "X-Forwarded-Proto": "$scheme",
        "X-Forwarded-Port": "$server_port", "X-Request-Id": "$request_id", "X-Request-Start": "t=$msec",
    }  # fmt: skip
    headers = " ".join(f"proxy_set_header {name} {value};" for name, value in told.items())
    http_part = (
        f"access_log {folder}/nginx-access.log; keepalive_requests 100000000; server_names_hash_max_size 65536;"
        f" server_names_hash_bucket_size 128; proxy_http_version 1.1; {headers}\n"
        f"server {{ listen 127.0.0.1:{port} default_server; return 404; }}\n{apps}"
    )
    return _nginx("nginx", folder, port, THREADS, http_part)


def backend(folder: Path, port: int) -> Proxy:
    """What all of them lead to: answers at once."""
    answer = 'default_type text/plain; return 200 "hello from the app\\n";'
    server = f"server {{ listen 127.0.0.1:{port}; location / {{ {answer} }} }}"
    return _nginx("backend", folder, port, 1, f"access_log off; keepalive_requests 100000000; {server}")


def _nginx(name: str, folder: Path, port: int, workers: int, http_part: str) -> Proxy:
    path = folder / f"{name}.conf"
    path.write_text(
        f"daemon off; worker_processes {workers}; pid {folder}/{name}.pid; error_log {folder}/{name}.log;\n"
        f"events {{ worker_connections 8192; }}\nhttp {{ {http_part} }}\n"
    )
    argv = ["nginx", "-e", f"{folder}/{name}.log", "-p", str(folder), "-c", str(path)]
    return Proxy(name, port, argv, {"PATH": search_path()})
