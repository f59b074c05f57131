"""Completion in the shell, by click, with one difference: bash takes a colon as the end of a word.

`COMP_WORDBREAKS` (bash(1)) makes three words of `config:set`. So the words are joined again before click sees them, and
of each completion only what comes after the colon is handed back.
"""

from __future__ import annotations

import os

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, get_completion_class

COMPLETE_VARIABLE = "_PORTSIDE_COMPLETE"


class ColonBashComplete(BashComplete):
    """Bash completion for command names with colons."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The whole words before the cursor, and the one at it."""
        position = int(os.environ["COMP_CWORD"])
        words = os.environ["COMP_WORDS"].split("\n")  # click's script sets IFS to a newline
        whole = join_at_colons([*words[: position + 1], ""][: position + 1])
        return whole[1:-1], whole[-1]

    def format_completion(self, item: CompletionItem) -> str:
        """The part that bash still lacks."""
        _, incomplete = self.get_completion_args()
        done = incomplete.rpartition(":")[0]
        value = str(item.value).removeprefix(f"{done}:") if done else item.value
        return f"{item.type},{value}"


def join_at_colons(words: list[str]) -> list[str]:
    """The words as they were typed: `["config", ":", "se"]` is `["config:se"]`."""
    joined: list[str] = []
    glue = False
    for word in words:
        if joined and (glue or word.startswith(":")):
            joined[-1] += word
        else:
            joined.append(word)
        glue = word.endswith(":")
    return joined


def register() -> None:
    """Let click use our bash completion."""
    add_completion_class(ColonBashComplete)


def script(root: click.Command, shell: str) -> str | None:
    """What the shell has to read, or None for a shell that click does not know."""
    register()
    found = get_completion_class(shell)
    return found(root, {}, "portside", COMPLETE_VARIABLE).source() if found else None
