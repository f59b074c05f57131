"""The dashboard, the REST API, and log and event streams.

TAKES  HTTP requests, and the front doors of every other package (`WebParts`).
GIVES  a WSGI application: the API in the shape of Heroku's Platform API v3 at `/`, pages at `/` and `/dashboard`,
       git at `/NAME.git`.
NEVER  has a rule of its own: it asks accounts who may, and the other packages to act.
"""

from web.app import create_web
from web.parts import RunDoor, WebParts
from web.settings import WebSettings

__all__ = ["RunDoor", "WebParts", "WebSettings", "create_web"]
