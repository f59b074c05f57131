"""A small Flask app; its script and styles come from frontend/, by way of `npm run build`."""

import os

from flask import Flask, render_template

app = Flask(__name__)


@app.get("/")
def home() -> str:
    return render_template("home.html", release=os.environ.get("RELEASE_VERSION", "your laptop"))


@app.get("/health")
def health() -> str:
    return "ok\n"
