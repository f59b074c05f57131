"""Settings of the section `web`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WebSettings:
    """Where the API and the dashboard listen, and how they are reached.

    `public_url` is the address that people use when it differs from the request's Host, without a path; empty: the
    request's own. `threads` is what gunicorn is started with: each watched push, log tail and event page holds one.
    `login_s` is how long a client stays logged in that names no time itself.
    `stream_open_s` is how long a log address may be opened, `output_open_s` that of a release's or build's output.
    """

    port: int = 5000
    bind: str = "127.0.0.1"
    public_url: str = ""
    threads: int = 160
    request_limit_bytes: int = 1_000_000
    login_s: int = 30 * 86_400
    stream_open_s: int = 3600
    output_open_s: int = 86_400
