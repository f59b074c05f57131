"""What portside.toml says of the bake window."""

from __future__ import annotations

import pytest

from builder import BuildFailed
from builder.manifest import read_manifest
from builder.types import Trial


def trial(memory_source, table):
    return read_manifest(memory_source({"Procfile": "web: a\n", "portside.toml": table})).trial


@pytest.mark.parametrize(
    ("table", "asked"),
    [
        ("", None),
        ("[bake]", Trial(10, 5.0, None, 50)),
        ('[bake]\nminutes = 3\nerrors = "2.5%"\np95 = "2x"\nrequests = 9', Trial(3, 2.5, 2.0, 9)),
        ("[bake]\np95 = 1.5", Trial(10, None, 1.5, 50)),
    ],
)
def test_it_is_read_as_people_write_it(memory_source, table, asked) -> None:
    assert trial(memory_source, table) == asked


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("minutes = 0", "`bake.minutes` should be a whole number, 1 to 1440"),
        ('errors = "many"', '`bake.errors` should be a share over 0 and up to 100, such as "5%"'),
        ("errors = 0", '`bake.errors` should be a share over 0 and up to 100, such as "5%"'),
        ('p95 = "1x"', '`bake.p95` should be a factor over 1, such as "2x"'),
        ("requests = true", "`bake.requests` should be a whole number, 1 to 100000"),
        ('error = "5%"', "`bake.error` → did you mean `errors`?"),
    ],
)
def test_a_mistake_is_told(memory_source, line, told) -> None:
    with pytest.raises(BuildFailed) as caught:
        trial(memory_source, f"[bake]\n{line}")
    assert told in str(caught.value)
