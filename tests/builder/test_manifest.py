"""The Procfile and app.json, and the words about what is wrong with them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import BuildFailed
from builder.json_places import read_json
from builder.manifest import parse_procfile, read_manifest
from builder.near import is_slip_of
from builder.problems import BadSyntax, EmptyProcfile, ManifestMistakes, NotAnObject, Wrong
from tests.builder.conftest import MemorySource


def test_types_and_commands_in_order():
    text = b"\xef\xbb\xbf# comment\r\nweb: gunicorn app:app --bind 0.0.0.0:$PORT\r\n\r\nworker : python w.py: x\n"
    assert parse_procfile(text) == (
        ("web", "gunicorn app:app --bind 0.0.0.0:$PORT"),
        ("worker", "python w.py: x"),
    )


@pytest.mark.parametrize(
    ("content", "mistakes"),
    [
        ("gunicorn app:app x", [(1, Wrong.NOT_A_PROCESS, "gunicorn app:app x")]),
        ("web: a\nweb:", [(2, Wrong.NO_COMMAND, "web")]),
        ("web: a\nweb: b", [(2, Wrong.TYPE_TWICE, "web")]),
        ("Web: a", [(1, Wrong.TYPE_MISSPELT, "Web")]),
        ("1st: a\nx y", [(1, Wrong.BAD_TYPE, "1st"), (2, Wrong.NOT_A_PROCESS, "x y")]),
        ("worker: a\nwbe: b", [(2, Wrong.TYPE_MISSPELT, "wbe")]),
        ("relase: a\nweb: b", [(1, Wrong.TYPE_MISSPELT, "relase")]),
    ],
)
def test_every_mistake_of_a_procfile_is_told_with_its_line(content, mistakes):
    with pytest.raises(BuildFailed) as raised:
        parse_procfile(content.encode())
    assert isinstance(raised.value.problem, ManifestMistakes)
    assert [(it.line, it.wrong, it.name) for it in raised.value.problem.mistakes] == mistakes


@pytest.mark.parametrize("content", ["", "# nothing\n", "\n \n"])
def test_a_procfile_without_a_process_is_told(content):
    with pytest.raises(BuildFailed) as raised:
        parse_procfile(content.encode())
    assert raised.value.problem == EmptyProcfile()


@pytest.mark.parametrize("content", ["web: a\nwbe: b", "workers: a\nclock2: b", "web2: a\nweb: b", "api: a"])
def test_names_that_only_look_like_others_are_taken(content):
    assert len(parse_procfile(content.encode())) == len(content.splitlines())


@given(st.sampled_from(["web", "release"]), st.data())
def test_one_slip_of_the_fingers_is_known(word, data):
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("aqz"))
    slips = [word[:at] + word[at + 1 :], word[:at] + letter + word[at:], word[:at] + letter + word[at + 1 :]]
    assert all(is_slip_of(slip, word) for slip in slips if slip != word)
    assert not is_slip_of(word, word)
    assert not is_slip_of(f"{word}qq", word)


def healthchecks(content):
    found = read_manifest(MemorySource({"app.json": content})).healthchecks
    return {name: json.loads(text) for name, text in found.items()}


def test_the_checks_of_each_type_are_given_as_they_stand():
    said = {
        "web": [{"type": "liveness", "path": "/live", "attempts": 3}, {"warn": True, "command": ["a", "b c"]}],
        "worker": [{"type": "startup", "uptime": 3, "onFailure": {"url": "https://example.com"}}],
    }
    assert healthchecks(json.dumps({"healthchecks": {**said, "clock": []}})) == said


def test_all_mistakes_of_checks_are_told_at_once_with_their_lines():
    content = """{"healthchecks": {"web": [
        {"path": "/up", "comand": ["x"], "port": 0},
        {"path": "up", "listening": true, "scheme": "htps"},
        {"command": ["x"], "uptime": 3, "content": "ok"},
        {"path": "/up", "listening": false, "uptime": 0, "command": [], "httpHeaders": [{"name": "X"}]}]}}"""
    with pytest.raises(BuildFailed) as raised:
        healthchecks(content)
    assert [(it.line, it.wrong, it.name, it.other) for it in raised.value.problem.mistakes] == [
        (2, Wrong.UNKNOWN_KEY, "healthchecks.web[0].comand", "command"),
        (2, Wrong.NOT_ONE_OF, "healthchecks.web[0].port", "1 to 65535, not 0"),
        (3, Wrong.BAD_PATH, "healthchecks.web[1].path", "`up`"),
        (3, Wrong.NOT_TOGETHER, "healthchecks.web[1].listening", "path"),
        (3, Wrong.NOT_ONE_OF, "healthchecks.web[1].scheme", "one of http, https, not `htps`"),
        (4, Wrong.NOT_TOGETHER, "healthchecks.web[2].uptime", "command"),
        (4, Wrong.MISSING_KEY, "healthchecks.web[2]", "path"),
        (5, Wrong.MISSING_KEY, "healthchecks.web[3].httpHeaders[0]", "value"),
    ]


def test_which_types_may_overlap_is_read_where_it_is_said():
    said = '{"formation": {"poll": {"overlap": false}, "clock": {"overlap": true}, "web": {"quantity": 1}}}'
    found = read_manifest(MemorySource({"app.json": said}))
    assert found.overlap == {"poll": False, "clock": True}


@pytest.mark.parametrize("rule", [2, "2", "50%", "100%", "auto", "auto:2", "auto:50%", "off"])
def test_how_far_web_may_shrink_is_read_as_it_stands(rule):
    found = read_manifest(MemorySource({"app.json": json.dumps({"formation": {"web": {"shrink": rule}}})}))
    assert found.shrink == {"web": str(rule)}


def test_a_formation_is_read_type_by_type():
    said = '{"formation": {"web": {"quantity": 2, "size": "512m"}, "worker": {"quantity": 0}, "clock": {}}}'
    found = read_manifest(MemorySource({"app.json": said}))
    assert (found.quantities, found.sizes) == ({"web": 2, "worker": 0}, {"web": "512m"})


@pytest.mark.parametrize("content", ["{}", '{"name": "x", "env": {}}', '{"healthchecks": {}}'])
def test_an_app_json_without_checks_is_fine(content):
    assert healthchecks(content) == {}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('{"healthchecks": []}', (1, 18, Wrong.WRONG_KIND, "healthchecks")),
        ('{"healthchecks": {"web": {}}}', (1, 26, Wrong.WRONG_KIND, "healthchecks.web")),
        ('{"healthchecks": {"web": [\n{"path": "up"}]}}', (2, 10, Wrong.BAD_PATH, "healthchecks.web[0].path")),
        ('{"healthchecks": {"web": [{"type": "live"}]}}', (1, 36, Wrong.NOT_ONE_OF, "healthchecks.web[0].type")),
        ('{"formation": {"web": {"quantity": "2"}}}', (1, 36, Wrong.WRONG_KIND, "formation.web.quantity")),
        ('{"formation": {"web": {"quantity": 101}}}', (1, 36, Wrong.NOT_ONE_OF, "formation.web.quantity")),
        ('{"formation": {"web": {"quantity": true}}}', (1, 36, Wrong.WRONG_KIND, "formation.web.quantity")),
        ('{"formation": {"clock": {"overlap": "no"}}}', (1, 37, Wrong.WRONG_KIND, "formation.clock.overlap")),
        ('{"formation": {"web": {"overlap": false}}}', (1, 35, Wrong.NOT_ONE_OF, "formation.web.overlap")),
        ('{"formation": {"clock": {"shrink": "1"}}}', (1, 36, Wrong.NOT_ONE_OF, "formation.clock.shrink")),
        ('{"formation": {"web": {"shrink": 0}}}', (1, 34, Wrong.NOT_ONE_OF, "formation.web.shrink")),
        ('{"formation": {"web": {"shrink": "half"}}}', (1, 34, Wrong.NOT_ONE_OF, "formation.web.shrink")),
        ('{"formation": {"web": {"shrink": true}}}', (1, 34, Wrong.WRONG_KIND, "formation.web.shrink")),
        ('{"healtchecks": {}}', (1, 2, Wrong.UNKNOWN_KEY, "healtchecks")),
        ('{"env": {"A": "1",\n "A": "2"}}', (2, 2, Wrong.KEY_TWICE, "env.A")),
        (
            '{"cron": [{"command": "x", "schedule": "@daily", "concurrency_policy": "never"}]}',
            (1, 72, Wrong.NOT_ONE_OF, "cron[0].concurrency_policy"),
        ),
        (
            '{"cron": [{"command": "x", "schedule": "@daily", "time_limit": 0}]}',
            (1, 64, Wrong.NOT_ONE_OF, "cron[0].time_limit"),
        ),
        ('{"cron": [{"command": "x", "schedule": "0 0 30 2 *"}]}', (1, 40, Wrong.BAD_SCHEDULE, "cron[0].schedule")),
        ('{"cron": [{"command": "x"}]}', (1, 11, Wrong.MISSING_KEY, "cron[0]")),
        ('{"cron": [{"command": "x", "schedule": "daily"}]}', (1, 40, Wrong.BAD_SCHEDULE, "cron[0].schedule")),
    ],
)
def test_a_mistake_in_app_json_is_told_with_its_place(content, place):
    with pytest.raises(BuildFailed) as raised:
        healthchecks(content)
    assert isinstance(raised.value.problem, ManifestMistakes)
    [it] = raised.value.problem.mistakes
    assert (it.line, it.column, it.wrong, it.name) == place


@pytest.mark.parametrize(
    "content", ['{"expo": {"slug": "x"}}', '{"$schema": "x"}', '{"env": {"A": {"value": "1"}, "B": "2"}}']
)
def test_keys_of_other_tools_are_passed_over(content):
    assert healthchecks(content) == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{\n "a" 1}', BadSyntax("app.json", "JSON", 2, 6, "Expecting ':' delimiter")),
        ("[]", NotAnObject("a list")),
        ("null", NotAnObject("null")),
        ("[" * 100_000, BadSyntax("app.json", "JSON", 0, 0, "it is nested too deeply", "Make it flatter")),
        ('{"a": ' + "1" * 5000 + "}", BadSyntax("app.json", "JSON", 0, 0, "a number is too long", "Make it shorter")),
    ],
    ids=["colon", "list", "null", "deep", "long"],
)
def test_what_is_no_app_json_at_all_is_told(content, problem):
    with pytest.raises(BuildFailed) as raised:
        healthchecks(content)
    assert raised.value.problem == problem


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(_JSON, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_places_point_at_the_text_of_each_value(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    lines = text.split("\n")
    waiting = [read_json(text)]
    while waiting:
        node = waiting.pop()
        there = lines[node.line - 1][node.column - 1 :]
        assert there[0] in {"an object": "{", "a list": "[", "text": '"'}.get(node.kind, "-0123456789tfnI")
        for entry in node.entries:
            json_key = lines[entry.line - 1][entry.column - 1 :]
            assert json.JSONDecoder().raw_decode(json_key)[0] == entry.key
        waiting += [*node.items, *(entry.node for entry in node.entries)]
