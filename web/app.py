"""The Flask application: API, pages, and git before both."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask

from web import api, pages
from web.parts import WebParts

_GIT_PATH = re.compile(r"^/[^/]+\.git(/|$)")


def create_web(parts: WebParts) -> Flask:
    """The web as a WSGI application: `/NAME.git/…` is git's, the rest Flask's."""
    app = Flask("web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = parts.settings.request_limit_bytes
    app.register_blueprint(api.blueprint(parts))
    app.register_blueprint(pages.blueprint(parts))
    app.register_error_handler(Exception, api.tell_error)
    app.after_request(api.finish)
    app.wsgi_app = _GitFirst(app.wsgi_app, parts.git_http)  # type: ignore[method-assign]
    return app


class _GitFirst:
    """Sends git's requests past Flask, whose limits on a request's size and form are not theirs."""

    def __init__(self, rest: Any, git_http: WSGIApplication) -> None:
        self._rest = rest
        self._git_http = git_http

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if _GIT_PATH.match(environ.get("PATH_INFO", "")):
            return self._git_http(environ, start_response)
        answer: Iterable[bytes] = self._rest(environ, start_response)
        return answer
