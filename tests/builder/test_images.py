"""Labels on an image's config."""

from __future__ import annotations

import json

from builder.images import with_labels
from builder.registry import OCI_MANIFEST, Manifest, digest_of


def test_portsides_labels_are_replaced_and_others_stay():
    config = {
        "os": "linux",
        "config": {"Cmd": ["x"], "Labels": {"a": "b", "portside.release": "v1", "portside.old": "x"}},
    }
    labelled = json.loads(with_labels(config, {"portside.release": "v2"}))
    assert labelled == {"os": "linux", "config": {"Cmd": ["x"], "Labels": {"a": "b", "portside.release": "v2"}}}


def test_a_config_with_no_labels_gets_them():
    for config in ({}, {"config": None}, {"config": {"Labels": None}}):
        assert json.loads(with_labels(config, {"portside.app": "shop"}))["config"] == {
            "Labels": {"portside.app": "shop"}
        }


def test_a_manifest_with_another_config_keeps_its_kind_and_layers():
    old = Manifest(
        OCI_MANIFEST, {"layers": [{"digest": "sha256:1"}], "config": {"mediaType": "m", "digest": "d", "size": 1}}
    )
    new = old.with_config(b"{}")
    assert new.media_type == OCI_MANIFEST
    assert new.content == {
        "layers": [{"digest": "sha256:1"}],
        "config": {"mediaType": "m", "digest": digest_of(b"{}"), "size": 2},
    }
