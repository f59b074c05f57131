"""The REST API in the shape of Heroku's Platform API v3 (https://devcenter.heroku.com/articles/platform-api-reference).

Each module has the endpoints of one kind of thing; `routing` declares and guards them, `shapes` writes the JSON.
"""

from web.api.register import blueprint, finish, tell_error

__all__ = ["blueprint", "finish", "tell_error"]
