"""Which images go: none that a kept release, a wanted build or another program's user needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from builder.garbage import EngineImage, Kept, Needed, unneeded

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOST = "127.0.0.1:5050"
APP = "0b0e1f7e-0000-4000-8000-000000000001"
GONE = "0b0e1f7e-0000-4000-8000-00000000dead"
NEW_BUILD, OLD_BUILD, FOREIGN_BUILD = (f"11111111-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
PYTHON, OLD_PYTHON = "portside/python:debian-13-aaaaaaaaaaaa", "portside/python:debian-13-bbbbbbbbbbbb"
NEEDED = Needed(
    registry_host=HOST,
    kept=Kept(frozenset({(APP, 2), (APP, 3)}), frozenset({"sha256:live"})),
    builds=frozenset({NEW_BUILD}),
    known_builds=frozenset({NEW_BUILD, OLD_BUILD}),
    languages=frozenset({PYTHON}),
)


def image(*names: str, image_id: str = "sha256:any", age_days: float = 9, digests: tuple[str, ...] = ()) -> EngineImage:
    return EngineImage(image_id, names, digests, NOW - timedelta(days=age_days))


def going(*images: EngineImage, needed: Needed = NEEDED) -> list[str]:
    return unneeded(images, needed, NOW)


def test_an_old_build_goes_and_a_wanted_one_stays() -> None:
    old, new = f"portside/build:{OLD_BUILD}", f"portside/build:{NEW_BUILD}"
    assert going(image(old), image(new)) == [old]


def test_a_build_that_our_records_do_not_know_is_another_platforms() -> None:
    assert going(image(f"portside/build:{FOREIGN_BUILD}")) == []


def test_what_a_kept_release_runs_stays_under_all_its_names() -> None:
    names = (f"portside/build:{OLD_BUILD}", f"{HOST}/apps/{APP}:v1")
    assert going(image(*names, image_id="sha256:live")) == []


def test_images_of_releases_that_were_given_up_go() -> None:
    assert going(image(f"{HOST}/apps/{APP}:v1"), image(f"{HOST}/apps/{APP}:v2")) == [f"{HOST}/apps/{APP}:v1"]


def test_images_of_an_app_that_was_destroyed_go() -> None:
    assert going(image(f"{HOST}/apps/{GONE}:v2")) == [f"{HOST}/apps/{GONE}:v2"]


def test_a_superseded_language_image_goes_after_a_day() -> None:
    assert going(image(OLD_PYTHON), image(PYTHON)) == [OLD_PYTHON]
    assert going(image(OLD_PYTHON, age_days=0.5)) == []


def test_language_images_stay_when_todays_names_are_not_known() -> None:
    assert going(image(OLD_PYTHON), needed=Needed(HOST)) == []


def test_what_was_pulled_by_digest_and_has_no_name_goes_if_it_is_from_our_registry() -> None:
    ours, foreign = f"{HOST}/apps/{APP}@sha256:aa", "docker.io/library/redis@sha256:bb"
    assert going(image(digests=(ours,)), image(digests=(foreign,)), image(digests=(ours, foreign))) == [ours]


def test_what_is_not_ours_is_never_touched() -> None:
    names = ("portside/base:debian-13", "redis:7", "portside/build:latest", f"other:5000/apps/{APP}:v1", "web:v1")
    assert going(*(image(name) for name in names), image(), image(f"{HOST}/mine/{APP}:v1")) == []


def test_a_name_goes_alone_and_its_images_other_names_stay() -> None:
    build, mine = f"portside/build:{OLD_BUILD}", "mine:latest"
    assert going(image(build, mine)) == [build]
