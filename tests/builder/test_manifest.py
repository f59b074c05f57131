"""The Procfile and app.json, and the words about what is wrong with them."""

from __future__ import annotations

import pytest

from builder import BuildFailed
from builder.manifest import parse_health_paths, parse_procfile


def test_types_and_commands_in_order():
    text = b"\xef\xbb\xbf# comment\r\nweb: gunicorn app:app --bind 0.0.0.0:$PORT\r\n\r\nworker : python w.py: x\n"
    assert parse_procfile(text) == (
        ("web", "gunicorn app:app --bind 0.0.0.0:$PORT"),
        ("worker", "python w.py: x"),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("gunicorn app:app x", "Procfile line 1 ('gunicorn app:app x'): it is not of the form `type: command`."),
        ("web: a\nweb:", "Procfile line 2 ('web:'): it is not of the form `type: command`."),
        ("web: a\nweb: b", "Procfile line 2 ('web: b'): the type 'web' stands there twice."),
        ("Web: a", "Procfile line 1 ('Web: a'): a type is a lower-case letter, then letters, digits, - or _."),
        ("", "The Procfile is empty."),
        ("# nothing\n", "The Procfile is empty."),
    ],
)
def test_a_wrong_procfile_is_told_with_its_line(content, message):
    with pytest.raises(BuildFailed) as raised:
        parse_procfile(content.encode())
    assert raised.value.message == message
    assert "web: gunicorn app:app" in raised.value.hint


def test_the_path_of_the_first_startup_check_counts():
    content = b"""{"healthchecks": {
        "web": [{"type": "liveness", "path": "/live"}, {"type": "startup", "path": "/up"}, {"path": "/late"}],
        "api": [{"path": "/api/health?deep=1"}],
        "worker": [{"type": "startup", "uptime": 3}]}}"""
    assert parse_health_paths(content) == {"web": "/up", "api": "/api/health?deep=1"}


@pytest.mark.parametrize("content", ["{}", '{"name": "x", "env": {}}', '{"healthchecks": {}}'])
def test_an_app_json_without_checks_is_fine(content):
    assert parse_health_paths(content.encode()) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{\n "a" 1}', "app.json is not valid JSON: line 2, column 6: Expecting ':' delimiter."),
        ("[]", "app.json is not a JSON object."),
        ('{"healthchecks": []}', "app.json: `healthchecks` is not an object."),
        ('{"healthchecks": {"web": {}}}', "app.json: `healthchecks.web` is not a list of objects."),
        (
            '{"healthchecks": {"web": [{"path": "up"}]}}',
            "app.json: the path 'up' of `healthchecks.web` does not begin with / or holds blanks.",
        ),
    ],
)
def test_a_wrong_app_json_is_told(content, message):
    with pytest.raises(BuildFailed) as raised:
        parse_health_paths(content.encode())
    assert raised.value.message == message
