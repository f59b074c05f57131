"""The edge of the command: whatever happens inside, a person reads a sentence and a script gets an exit code.

0 done · 1 failed · 2 wrong usage · 130 Ctrl-C. A bug of ours is the one thing that is not explained: its trace goes to
a file that the message names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from cli.errors import CliError
from cli.printing import problem, progress

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def guarded(work: Callable[[], Any]) -> int:
    """Run `work` and give the exit code; every ending but success has been told on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        result = work()
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except CliError as error:
        problem(error.message, error.hint)
        return error.exit_code
    except click.ClickException as error:
        return _wrong_usage(error)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_went_away()
    except Exception as error:
        return _bug(error)


@contextmanager
def goes_on_without_us(what: str, how_to_follow: str) -> Iterator[None]:
    """Ctrl-C inside only ends the watching: say that `what` goes on and how to see it again."""
    try:
        yield
    except KeyboardInterrupt:
        progress("")
        problem(f"{what} goes on without you.", f"Follow it with `{how_to_follow}`.")
        raise click.exceptions.Exit(INTERRUPTED) from None


def _wrong_usage(error: click.ClickException) -> int:
    ctx = getattr(error, "ctx", None)
    problem(error.format_message(), f"See `{ctx.command_path} --help`." if ctx else "")
    return error.exit_code


def _reader_went_away() -> int:
    """`portside logs | head`: what is left to print goes nowhere, and Python's flush at exit must not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _bug(error: Exception) -> int:
    import tempfile
    import traceback

    handle, name = tempfile.mkstemp(prefix="portside-error-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.writelines(traceback.format_exception(error))
    problem(f"portside itself failed: {type(error).__name__}.", f"Please report it, with the details in {Path(name)}.")
    return 1
