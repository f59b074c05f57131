"""What gunicorn serves: `server.wsgi:application()`."""

from __future__ import annotations

import os

from flask import Flask

from server import journal
from server.platform import compose
from web import create_web


def application() -> Flask:
    """The web application of the platform that the environment describes."""
    platform = compose(os.environ)
    journal.configure(platform.settings.log_level)
    return create_web(platform.web_parts())
