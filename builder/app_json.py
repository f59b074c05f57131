"""app.json: what it may say, and every mistake in one.

Heroku's keys (https://devcenter.heroku.com/articles/app-json-schema) with Dokku's `healthchecks` and `cron`
(https://dokku.com/docs/appendices/file-formats/app-json/). Other tools keep files of this name too, so a key that
nobody here knows is passed over, unless it is a near miss of one that is known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from builder.json_places import Entry, Node, read_json
from builder.near import nearest
from builder.problems import BadSyntax, Mistake, NotAnObject, Wrong, failed
from core import clock
from core.schedules import BadSchedule, next_moment

FILE = "app.json"
_ADVICE = (
    (re.compile(r",\s*[}\]]"), "Take away the comma before the closing bracket"),
    (re.compile(r"^\s*(//|#|/\*)", re.MULTILINE), "Take away the comments: JSON has none"),
    (re.compile(r"[{,\[:]\s*'"), 'Write "double quotes" in place of single ones'),
)
MOST_INSTANCES = 100  # as of `portside ps:scale`
_WAYS = ("path", "command", "listening", "uptime")
Check = Callable[[str, Node], Iterator[Mistake]]


@dataclass(frozen=True)
class Shape:
    """What a value may be. `keys`: the known ones of an object; `each`: of every item or entry; `check`: one more."""

    kinds: tuple[str, ...]
    keys: Mapping[str, Shape] = field(default_factory=dict)
    each: Shape | None = None
    needed: tuple[str, ...] = ()
    check: Check | None = None


def _path(name: str, node: Node) -> Iterator[Mistake]:
    if not re.fullmatch(r"/[!-~]*", node.text):
        yield Mistake(FILE, node.line, node.column, Wrong.BAD_PATH, name, f"`{node.text}`")


def _schedule(name: str, node: Node) -> Iterator[Mistake]:
    try:
        next_moment(node.text, clock.now())
    except BadSchedule:
        yield Mistake(FILE, node.line, node.column, Wrong.BAD_SCHEDULE, name, f"`{node.text}`")


def _policy(name: str, node: Node) -> Iterator[Mistake]:
    if node.text not in ("allow", "forbid", "replace"):
        yield Mistake(
            FILE, node.line, node.column, Wrong.NOT_ONE_OF, name, f"allow, forbid or replace, not {node.text}"
        )


def _time_limit(name: str, node: Node) -> Iterator[Mistake]:
    if int(node.text) < 1:
        yield Mistake(FILE, node.line, node.column, Wrong.NOT_ONE_OF, name, f"1 second or more, not {node.text}")


def _positive(name: str, node: Node) -> Iterator[Mistake]:
    if node.text.startswith("-"):
        yield Mistake(FILE, node.line, node.column, Wrong.NOT_ONE_OF, name, f"0 or more, not {node.text}")


def _web_overlaps(name: str, node: Node) -> Iterator[Mistake]:
    web = node.get("web")
    overlap = web.get("overlap") if web else None
    if overlap is not None and overlap.text == "False":
        wanted = "true: the old web instances serve until the new ones do"
        yield Mistake(FILE, overlap.line, overlap.column, Wrong.NOT_ONE_OF, f"{name}.web.overlap", wanted)


def _only_web_shrinks(name: str, node: Node) -> Iterator[Mistake]:
    for entry in node.entries:
        if entry.key != "web" and (shrink := entry.node.get("shrink")) is not None:
            wanted = "said of `web` only: of another type, say `overlap: false`"
            yield Mistake(FILE, shrink.line, shrink.column, Wrong.NOT_ONE_OF, f"{name}.{entry.key}.shrink", wanted)


def _formation(name: str, node: Node) -> Iterator[Mistake]:
    yield from _web_overlaps(name, node)
    yield from _only_web_shrinks(name, node)


def _shrink(name: str, node: Node) -> Iterator[Mistake]:
    if not re.fullmatch(r"off|(auto:)?(100|[1-9][0-9]?)%?|auto", node.text):
        wanted = f"how many stay (1), a share (50%), auto or off, not {node.text}"
        yield Mistake(FILE, node.line, node.column, Wrong.NOT_ONE_OF, name, wanted)


def _quantity(name: str, node: Node) -> Iterator[Mistake]:
    if not 0 <= int(node.text) <= MOST_INSTANCES:
        yield Mistake(FILE, node.line, node.column, Wrong.NOT_ONE_OF, name, f"0 to {MOST_INSTANCES}, not {node.text}")


def _port(name: str, node: Node) -> Iterator[Mistake]:
    if not 1 <= int(node.text) <= 65535:
        yield Mistake(FILE, node.line, node.column, Wrong.NOT_ONE_OF, name, f"1 to 65535, not {node.text}")


def _one_way(name: str, node: Node) -> Iterator[Mistake]:
    """A check asks in one way (https://dokku.com/docs/deployment/zero-downtime-deploys/)."""
    said = [entry for entry in node.entries if entry.key in _WAYS and _says(entry.node)]
    for other in said[1:]:
        yield Mistake(FILE, other.line, other.column, Wrong.NOT_TOGETHER, f"{name}.{other.key}", said[0].key)
    if (content := node.get("content")) is not None and node.get("path") is None:
        yield Mistake(FILE, content.line, content.column, Wrong.MISSING_KEY, name, "path")


def _says(node: Node) -> bool:
    return bool(node.items) or node.text not in ("", "False", "0")


def _one_of(*allowed: str) -> Check:
    def check(name: str, node: Node) -> Iterator[Mistake]:
        if node.text not in allowed:
            other = f"one of {', '.join(allowed)}, not `{node.text}`"
            yield Mistake(FILE, node.line, node.column, Wrong.NOT_ONE_OF, name, other)

    return check


ANY = Shape(())
TEXT = Shape(("text",))
FLAG = Shape(("true or false",))
COUNT = Shape(("a whole number",), check=_positive)
TEXTS = Shape(("a list",), each=TEXT)
OBJECT = ("an object",)
HEALTHCHECK = Shape(
    OBJECT,
    {
        "type": Shape(("text",), check=_one_of("startup", "readiness", "liveness")),
        "path": Shape(("text",), check=_path),
        "port": Shape(COUNT.kinds, check=_port),
        "attempts": COUNT,
        "timeout": COUNT,
        "wait": COUNT,
        "uptime": COUNT,
        "initialDelay": COUNT,
        "command": TEXTS,
        "content": TEXT,
        "httpHeaders": Shape(("a list",), each=Shape(OBJECT, {"name": TEXT, "value": TEXT}, needed=("name", "value"))),
        "listening": FLAG,
        "name": TEXT,
        "onFailure": Shape(OBJECT, {"command": TEXTS, "url": TEXT}),
        "scheme": Shape(("text",), check=_one_of("http", "https")),
        "warn": FLAG,
    },
    check=_one_way,
)
PROCESS = Shape(
    OBJECT,
    {
        "quantity": Shape(COUNT.kinds, check=_quantity),
        "size": TEXT,
        "max_parallel": COUNT,
        "overlap": FLAG,
        "shrink": Shape(("text", *COUNT.kinds), check=_shrink),
    },
)
VARIABLE = Shape(("text", *OBJECT), {"description": TEXT, "generator": TEXT, "required": FLAG, "value": TEXT})
APP_JSON: Mapping[str, Shape] = {
    "name": TEXT,
    "description": TEXT,
    "keywords": TEXTS,
    "website": TEXT,
    "repository": TEXT,
    "logo": TEXT,
    "success_url": TEXT,
    "stack": TEXT,
    "scripts": Shape(
        OBJECT, {"postdeploy": ANY, "pr-predestroy": ANY, "test": TEXT, "test-setup": TEXT, "dokku": Shape(OBJECT)}
    ),
    "env": Shape(OBJECT, each=VARIABLE),
    "formation": Shape(
        OBJECT,
        each=PROCESS,
        check=_formation,
    ),
    "healthchecks": Shape(OBJECT, each=Shape(("a list",), each=HEALTHCHECK)),
    "buildpacks": Shape(("a list",), each=Shape(OBJECT, {"url": TEXT}, needed=("url",))),
    "cron": Shape(
        ("a list",),
        each=Shape(
            OBJECT,
            {
                "command": TEXT,
                "schedule": Shape(("text",), check=_schedule),
                "concurrency_policy": Shape(("text",), check=_policy),
                "maintenance": FLAG,
                "time_limit": Shape(COUNT.kinds, check=_time_limit),
            },
            needed=("command", "schedule"),
        ),
    ),
    "addons": Shape(("a list",)),
    "environments": Shape(OBJECT),
}


def parse_app_json(text: str) -> tuple[Node, list[Mistake]]:
    """The document with all that is wrong in it; raises BuildFailed when it is not a JSON object at all."""
    try:
        node = read_json(text)
    except json.JSONDecodeError as error:
        advice = next((words for pattern, words in _ADVICE if pattern.search(text)), "")
        raise failed(BadSyntax(FILE, "JSON", error.lineno, error.colno, error.msg, advice)) from error
    except RecursionError as error:
        raise failed(BadSyntax(FILE, "JSON", 0, 0, "it is nested too deeply", "Make it flatter")) from error
    except ValueError as error:  # sys.set_int_max_str_digits
        raise failed(BadSyntax(FILE, "JSON", 0, 0, "a number is too long", "Make it shorter")) from error
    if node.kind != "an object":
        raise failed(NotAnObject(node.kind))
    mistakes = sorted(_wrong(Shape(OBJECT, APP_JSON), "", node), key=lambda it: (it.line, it.column))
    return node, mistakes


def _wrong(shape: Shape, name: str, node: Node) -> Iterator[Mistake]:
    """All mistakes of a value called `name` ("" for the whole document)."""
    if shape.kinds and node.kind not in shape.kinds:
        other = f"{' or '.join(shape.kinds)}, not {node.kind}"
        yield Mistake(FILE, node.line, node.column, Wrong.WRONG_KIND, name, other)
        return
    if shape.check is not None:
        yield from shape.check(name, node)
    for number, item in enumerate(node.items):
        yield from _wrong(shape.each or ANY, f"{name}[{number}]", item)
    yield from _wrong_keys(shape, name, node.entries)
    for key in shape.needed:
        if node.get(key) is None:
            yield Mistake(FILE, node.line, node.column, Wrong.MISSING_KEY, name, key)


def _wrong_keys(shape: Shape, name: str, entries: tuple[Entry, ...]) -> Iterator[Mistake]:
    seen: dict[str, int] = {}
    for entry in entries:
        full = f"{name}.{entry.key}".removeprefix(".")
        if entry.key in seen:
            yield Mistake(FILE, entry.line, entry.column, Wrong.KEY_TWICE, full, str(seen[entry.key]))
        seen[entry.key] = entry.line
        known = shape.keys.get(entry.key, shape.each)
        meant = nearest(entry.key, shape.keys) if known is None else None
        if meant is not None:
            yield Mistake(FILE, entry.line, entry.column, Wrong.UNKNOWN_KEY, full, meant)
        yield from _wrong(known or ANY, full, entry.node)
