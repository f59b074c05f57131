"""The environment wins over the file, the file over the default, and a wrong value is explained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import UserError
from core.platform import load
from core.settings import Source, read


@dataclass(frozen=True)
class Example:
    port: int = 80
    ratio: float = 0.5
    strict: bool = False
    hosts: tuple[str, ...] = ()
    root: Path = Path("/srv")


def test_defaults_stand_when_nothing_is_said() -> None:
    assert read(Example, "example", Source({}, {})) == Example()


def test_the_environment_wins_over_the_file() -> None:
    source = Source({"PORTSIDE_EXAMPLE_PORT": "81"}, {"example": {"port": 82, "strict": True}})
    assert read(Example, "example", source) == Example(port=81, strict=True)


def test_every_kind_of_value_is_read() -> None:
    environ = {
        "PORTSIDE_EXAMPLE_RATIO": "0.25",
        "PORTSIDE_EXAMPLE_STRICT": "yes",
        "PORTSIDE_EXAMPLE_HOSTS": "a, b,",
        "PORTSIDE_EXAMPLE_ROOT": "/data",
    }
    expected = Example(ratio=0.25, strict=True, hosts=("a", "b"), root=Path("/data"))
    assert read(Example, "example", Source(environ, {})) == expected


def test_a_wrong_value_is_named() -> None:
    with pytest.raises(UserError) as caught:
        read(Example, "example", Source({"PORTSIDE_EXAMPLE_PORT": "eighty"}, {}))
    assert caught.value.message == "PORTSIDE_EXAMPLE_PORT is 'eighty'; it must be of type int."


def test_a_wrong_value_in_the_file_is_named() -> None:
    with pytest.raises(UserError) as caught:
        read(Example, "example", Source({}, {"example": {"strict": "perhaps"}}))
    assert caught.value.message == "example.strict in portside.toml is 'perhaps'; it must be true or false."


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "portside.toml").write_text("port = = 1")
    with pytest.raises(UserError, match=r"portside\.toml is not valid TOML"):
        load({"PORTSIDE_HOME": str(tmp_path)})


def test_the_home_decides_where_the_records_are(tmp_path: Path) -> None:
    settings, _ = load({"PORTSIDE_HOME": str(tmp_path)})
    assert settings.database == f"sqlite:///{tmp_path}/portside.db"
    assert settings.redis_socket == tmp_path / "run" / "redis.sock"
