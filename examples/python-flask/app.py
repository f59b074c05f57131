"""A small app that says which release of it you are looking at."""

import os

from flask import Flask, jsonify, render_template

app = Flask(__name__)


def about() -> dict[str, str]:
    """What Portside tells every instance about itself, in its environment."""
    return {
        "app": os.environ.get("PORTSIDE_APP", "your app"),
        "release": os.environ.get("RELEASE_VERSION", "your laptop"),
        "commit": os.environ.get("SOURCE_VERSION", "")[:7],
        "instance": os.environ.get("DYNO", "local"),
    }


@app.get("/")
def home() -> str:
    greeting = os.environ.get("GREETING", "Hello")
    return render_template("home.html", greeting=greeting, **about())


@app.get("/about.json")
def about_json():
    return jsonify(about())


@app.get("/health")
def health() -> str:
    return "ok\n"
