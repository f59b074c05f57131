"""A dashboard per test."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.web.pages.world import Site, build_site
from tests.web.revolving import RevolvingStage
from web import WebParts, WebSettings, pages


def dashboard(parts: WebParts) -> Flask:
    """The pages alone."""
    app = Flask("web", static_folder=None)
    app.register_blueprint(pages.blueprint(parts))
    return app


@pytest.fixture(scope="session")
def revolving() -> RevolvingStage:
    return RevolvingStage(dashboard)


@pytest.fixture
def site(tmp_path: Path, revolving: RevolvingStage, quick_passwords: None) -> Site:
    return build_site(tmp_path, revolving, WebSettings())


@pytest.fixture
def secure_site(tmp_path: Path, revolving: RevolvingStage, quick_passwords: None) -> Site:
    return build_site(tmp_path, revolving, WebSettings(public_url="https://portside.example.com"))
