"""The dashboard: server-rendered pages, with htmx and server-sent events where something moves.

TAKES  the platform's services (`WebParts`) and a browser's requests.
GIVES  `blueprint(parts)`: every page, its sign-in, its live logs, the files under `/static/`.
NEVER  decides what may be done to an app (accounts does) or does it itself (the services do).
"""

from web.pages.routes import blueprint

__all__ = ["blueprint"]
