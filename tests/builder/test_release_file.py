"""What a buildpack's bin/release prints."""

from __future__ import annotations

import pytest

from builder import BuildFailed
from builder.release_file import LARGEST_BYTES, ReleaseFile, parse_release


def test_types_variables_and_addons_are_read() -> None:
    text = "default_process_types:\n  web: bin/web -p $PORT\nconfig_vars:\n  A: 1\n  B: yes\naddons: [redis]\nmore: 1\n"
    assert parse_release(text.encode()) == ReleaseFile({"web": "bin/web -p $PORT"}, {"A": "1", "B": "true"}, ("redis",))


@pytest.mark.parametrize("text", ["", "---\n", "--- {}\n", "default_process_types:\n", "addons: []\n"])
def test_nothing_is_fine(text) -> None:
    assert parse_release(text.encode()) == ReleaseFile()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a: b: c", "line 1, column 5: mapping values are not allowed here"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"- web", "a list, not names and values"),
        (b"web", "text, not names and values"),
        (b"default_process_types: web", "default_process_types: text, not names and values"),
        (b"default_process_types: {web: [a]}", "default_process_types: `web` is a list, not text"),
        (b"default_process_types: {web: }", "default_process_types: `web` is nothing, not text"),
        (b"default_process_types: {Web: a}", "default_process_types: `Web: a` is not a process type"),
        (b"config_vars: {a-b: 1}", "config_vars: `a-b` is not the name of a variable"),
        (b"a: !!python/object/apply:os.system [id]", None),
        (b"a: 1\n---\nb: 2\n", None),
        (b"#" * (LARGEST_BYTES + 1), f"{LARGEST_BYTES + 1} bytes, more than {LARGEST_BYTES}"),
    ],
)
def test_what_is_no_release_is_told(text, reason) -> None:
    with pytest.raises(BuildFailed) as raised:
        parse_release(text)
    if reason is not None:
        assert raised.value.problem.reason == reason
