"""Asking the person for what must not be seen."""

from __future__ import annotations

import sys

import click


def secret(what: str, *, twice: bool = False) -> str:
    """A secret from the person without showing it, `twice` to be sure of it, or the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, err=True, confirmation_prompt=twice)).strip("\r\n")
    return sys.stdin.readline().strip("\r\n")
