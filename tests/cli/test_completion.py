"""Completion in a real bash, where a colon ends a word."""

import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.programs
COMMAND = str(Path(sys.executable).parent / "portside")


def complete(shell, words):
    """What bash offers with the cursor at the end of `words` (as bash itself splits them)."""
    quoted = " ".join(f"'{word}'" for word in words)
    script = f"""
        compopt() {{ :; }}
        eval "$({COMMAND} completion bash)"
        COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}
        _portside_completion {COMMAND}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return shell("bash", "--norc", "-c", script).stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["portside", "conf"], ["config", "config:get", "config:set", "config:unset"]),
        (["portside", "config", ":", "s"], ["set"]),
        (["portside", "config", ":"], ["get", "set", "unset"]),
        (["portside", "config", "s"], ["set"]),
        (["portside", "rollback", "--c"], ["--code-only"]),
        (["portside", "config", ":", "set", "--j"], ["--json"]),
        (["portside", "completion", ""], ["bash", "zsh", "fish"]),
    ],
)
def test_bash(home, shell, words, offered):
    assert complete(shell, words) == offered


@pytest.mark.parametrize(
    ("name", "sign"), [("zsh", "#compdef portside"), ("fish", "complete --no-files --command portside")]
)
def test_the_other_shells_get_a_script(home, shell, name, sign):
    assert sign in shell(COMMAND, "completion", name).stdout
