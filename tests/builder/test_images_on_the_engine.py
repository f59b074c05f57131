"""Release images in a real registry."""

from __future__ import annotations

import json

import pytest

from builder import ImageStore, Registry
from core.errors import Cancelled, NotFound, Unavailable

pytestmark = pytest.mark.engine


@pytest.fixture
def image_id(bench, log, fixture_app) -> str:
    return bench.builder.build(bench.request(fixture_app("dockerfile_tiny")), log).image_id


def labels_of(bench, ref: str) -> dict[str, str]:
    repository, _, digest = ref.partition("/")[2].partition("@")
    manifest = bench.registry.manifest(repository, digest)
    return json.loads(bench.registry.blob(repository, manifest.config_digest))["config"]["Labels"]


def test_a_release_is_published_under_its_number_with_its_labels(bench, image_id):
    ref = bench.images.publish(bench.app_id, "shop", image_id, 3, {"portside.commit": "abc"})
    assert ref.startswith(f"{bench.registry.host}/apps/{bench.app_id}@sha256:")
    assert labels_of(bench, ref) == {
        "portside.app": "shop",
        "portside.app-id": bench.app_id,
        "portside.release": "v3",
        "portside.commit": "abc",
    }
    assert bench.images.has(ref)
    assert bench.registry.digest(f"apps/{bench.app_id}", "v3") == ref.partition("@")[2]
    assert bench.engine.image_id(bench.images.name_of(f"apps/{bench.app_id}", "v3")) == image_id
    assert bench.images.highest_version(bench.app_id) == 3


def test_publishing_again_gives_the_same_ref(bench, image_id):
    first = bench.images.publish(bench.app_id, "shop", image_id, 1, {})
    assert bench.images.publish(bench.app_id, "shop", image_id, 1, {}) == first


def test_a_published_image_can_be_pulled(bench, image_id):
    ref = bench.images.publish(bench.app_id, "shop", image_id, 1, {})
    assert bench.images.fetch(ref, 60, lambda: None) is not None
    bench.engine.untag(ref)


def test_another_release_of_the_same_image_moves_no_layer_and_has_a_life_of_its_own(bench, image_id):
    first = bench.images.publish(bench.app_id, "shop", image_id, 1, {"portside.commit": "abc"})
    other = bench.images.republish(bench.app_id, "shop", first, 4, {"portside.commit": "abc"})
    assert other != first
    assert labels_of(bench, other)["portside.release"] == "v4"
    assert bench.engine.image_id(bench.images.name_of(f"apps/{bench.app_id}", "v4")) == image_id
    bench.images.forget_release(bench.app_id, 1)
    bench.images.forget_release(bench.app_id, 1)
    assert (bench.images.has(first), bench.images.has(other)) == (False, True)
    assert bench.images.highest_version(bench.app_id) == 4


def test_an_image_that_is_gone_cannot_be_released_again(bench, image_id):
    ref = bench.images.publish(bench.app_id, "shop", image_id, 1, {})
    bench.images.forget_release(bench.app_id, 1)
    with pytest.raises(NotFound):
        bench.images.republish(bench.app_id, "shop", ref, 2, {})


def test_a_forgotten_app_leaves_nothing(bench, image_id):
    refs = [bench.images.publish(bench.app_id, "shop", image_id, version, {}) for version in (1, 2)]
    bench.images.forget_app(bench.app_id)
    bench.images.forget_app(bench.app_id)
    assert not any(bench.images.has(ref) for ref in refs)
    assert bench.images.highest_version(bench.app_id) == 0
    assert bench.engine.names(f"{bench.registry.host}/apps/{bench.app_id}") == []


def test_an_app_that_was_never_published_has_no_version(bench):
    assert bench.images.highest_version(bench.app_id) == 0


def test_an_upload_can_be_stopped(bench, image_id):
    with pytest.raises(Cancelled):
        bench.images.publish(bench.app_id, "shop", image_id, 1, {}, stopped=Cancelled)


def test_a_registry_that_is_down_is_told_as_such(bench, database, image_id):
    down = ImageStore(database, bench.engine, Registry("127.0.0.1:9"), bench.settings)
    with pytest.raises(Unavailable) as raised:
        down.publish(bench.app_id, "shop", image_id, 1, {})
    assert raised.value.message.startswith("The image registry at 127.0.0.1:9 does not answer (")
    assert raised.value.hint == "See `portside-server status`."


def test_after_the_stacks_are_prepared_a_first_push_uploads_its_own_layers_only(bench, log, fixture_app):
    bench.builder.prepare_stacks()
    built = bench.builder.build(bench.request(fixture_app("python_tiny")), log)
    said: list[str] = []
    name = bench.images.name_of(f"apps/{bench.app_id}", "v1")
    bench.engine.tag(built.image_id, name)
    assert bench.engine.stream("push", name, on_line=said.append, deadline_s=60, stopped=lambda: None) == 0
    sent = [line for line in said if line.endswith(": Pushed")]
    mounted = [line for line in said if "Mounted from stacks/python" in line]
    assert len(sent) <= 3
    assert len(mounted) >= 5


def test_what_the_registry_lost_comes_back_from_the_engine_under_the_same_ref(bench, image_id):
    labels = {"portside.commit": "abc"}
    ref = bench.images.publish(bench.app_id, "shop", image_id, 1, labels)
    bench.images.forget_release(bench.app_id, 1)
    assert not bench.images.has(ref)
    assert bench.images.holds(image_id, ref)
    assert bench.images.restore(bench.app_id, "shop", image_id, ref, 1, labels) == ref
    assert bench.images.has(ref, closely=True)


def test_what_neither_has_does_not_come_back(bench):
    nowhere = f"{bench.registry.host}/apps/{bench.app_id}@sha256:{'0' * 64}"
    assert not bench.images.holds("", nowhere)
    assert bench.images.restore(bench.app_id, "shop", "", nowhere, 1, {}) is None


def test_an_image_that_lacks_a_layer_is_not_there_when_looked_at_closely(bench, registry_folder, image_id):
    ref = bench.images.publish(bench.app_id, "shop", image_id, 1, {})
    layer = bench.registry.manifest(f"apps/{bench.app_id}", "v1").blobs[-1].removeprefix("sha256:")
    (registry_folder / "data/docker/registry/v2/blobs/sha256" / layer[:2] / layer / "data").unlink()
    assert bench.images.has(ref)
    assert not bench.images.has(ref, closely=True)
    assert bench.images.restore(bench.app_id, "shop", image_id, ref, 1, {}) == ref
    assert bench.images.has(ref, closely=True)
