"""Python: lock files of Poetry and Pipenv, Django's static files, and web processes that need no Procfile."""

from __future__ import annotations

import pytest

from builder import packs
from builder.eject import template_values
from builder.explain import explain
from builder.problems import NoProcfile
from builder.types import BuildFailed

WEB = {"Procfile": "web: python app.py\n"}
DJANGO = {"requirements.txt": "Django>=5\ngunicorn\n", "manage.py": "", "shop/wsgi.py": ""}


def rendered(source) -> str:
    plan = explain(source)
    assert plan.pack.template is not None
    return packs.render(plan.pack.template, template_values(plan, "language", "app", "source", ""))


@pytest.mark.parametrize(
    ("files", "command"),
    [
        (DJANGO, "gunicorn shop.wsgi"),
        ({"requirements.txt": "flask\ngunicorn", "app.py": "app = Flask(__name__)"}, "gunicorn app:app"),
        (
            {"requirements.txt": "fastapi\nuvicorn[standard]>=0.3", "main.py": "api: FastAPI = FastAPI()\n"},
            "uvicorn main:api --host 0.0.0.0 --port $PORT",
        ),
        (
            {
                "poetry.lock": '[[package]]\nname = "Flask"\n[[package]]\nname = "gunicorn"\n',
                "pyproject.toml": "",
                "main.py": "app = Flask(__name__)",
            },
            "gunicorn main:app",
        ),
        (
            {"Pipfile.lock": '{"default": {"flask": {}, "gunicorn": {}}}', "wsgi.py": "app = Flask(__name__)"},
            "gunicorn wsgi:app",
        ),
    ],
    ids=["django", "flask", "fastapi", "poetry", "pipenv"],
)
def test_a_web_process_that_can_be_known_needs_no_procfile(memory_source, files, command):
    plan = explain(memory_source(files))
    assert plan.manifest.processes == (("web", command),)
    assert plan.detected.details[-1] == f"No Procfile: web runs `{command}`"


@pytest.mark.parametrize(
    "files",
    [
        DJANGO | {"requirements.txt": "Django"},
        DJANGO | {"admin/wsgi.py": ""},
        {"requirements.txt": "flask\ngunicorn", "app.py": "def make():\n    app = Flask(__name__)"},
        {"requirements.txt": "flask\ngunicorn", "app.py": "app = Flask('a')", "main.py": "app = Flask('b')"},
        {"requirements.txt": "flask", "app.py": "app = Flask(__name__)"},
    ],
    ids=["no gunicorn", "two wsgi modules", "a factory", "two applications", "no server"],
)
def test_where_it_is_not_certain_a_procfile_is_asked_for(memory_source, files):
    with pytest.raises(BuildFailed) as raised:
        explain(memory_source(files))
    assert raised.value.problem == NoProcfile(None)


def test_a_procfile_wins(memory_source):
    assert explain(memory_source(DJANGO | WEB)).manifest.processes == (("web", "python app.py"),)


def test_static_files_are_collected_when_settings_say_where_to(memory_source):
    with_root = DJANGO | {"shop/settings/base.py": "DEBUG = False\nSTATIC_ROOT = 'collected'\n"}
    assert "python manage.py collectstatic --noinput" in rendered(memory_source(with_root))
    assert (
        "Collecting static files (shop/settings/base.py sets STATIC_ROOT)"
        in explain(memory_source(with_root)).detected.details
    )
    assert "collectstatic" not in rendered(memory_source(DJANGO | {"shop/settings.py": "DEBUG = False"}))


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"poetry.lock": "", "pyproject.toml": "[tool.poetry]\nname='x'\n"}, "poetry export"),
        ({"Pipfile": "", "Pipfile.lock": "{}"}, "pipenv requirements --hash"),
        ({"poetry.lock": "", "pyproject.toml": "", "requirements.txt": "x"}, "poetry export"),
    ],
)
def test_a_lock_file_is_installed_by_way_of_its_own_tool(memory_source, files, wanted):
    text = rendered(memory_source(WEB | files))
    assert wanted in text
    assert text.index(wanted) < text.index("COPY --chown=app:app source/ ./")
    assert "--no-deps" not in text


def test_a_poetry_app_that_is_a_package_is_installed_itself(memory_source):
    files = {"poetry.lock": "", "pyproject.toml": "[tool.poetry]\nname='my-shop'\n", "src/my_shop/__init__.py": ""}
    assert "uv pip install --no-deps ." in rendered(memory_source(WEB | files))


def test_a_dependency_in_the_source_of_a_poetry_app_puts_the_source_first(memory_source):
    lock = '[[package]]\nname = "lib"\n[package.source]\ntype = "directory"\nurl = "lib"\n'
    text = rendered(memory_source(WEB | {"poetry.lock": lock, "pyproject.toml": "[tool.poetry]\nname='x'\n"}))
    assert text.index("COPY --chown=app:app source/ ./") < text.index("poetry export")
