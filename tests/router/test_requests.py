"""What a real HAProxy tells of requests, with the codes of those that failed."""

from __future__ import annotations

import socket
import threading

import pytest

from router import Listener
from router.pipe import NAME, Pipe

pytestmark = pytest.mark.engine


class Ear:
    """Listens to one HAProxy; no process has a name but by its instance's."""

    def __init__(self, haproxy, app_id):
        self.pipe = Pipe(haproxy.home / "run" / NAME)
        self.requests = haproxy.router.requests
        self.listener = Listener(haproxy.home, self.requests, lambda instance_id: f"web.{instance_id}")
        self.app_id = app_id

    def hears(self, count, until):
        until(lambda: self._heard() >= count, "the lines")
        return [line.text for line in self.requests.tail(self.app_id, 99)]

    def _heard(self):
        self.listener.take(self.pipe)
        return len(self.requests.tail(self.app_id, 99))


@pytest.fixture
def app(haproxy, start_app, app_id):
    app = start_app("one")
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", app)
    return app


@pytest.fixture
def ear(haproxy, app_id):
    ear = Ear(haproxy, app_id)
    yield ear
    ear.pipe.close()


def test_each_request_is_a_line_of_its_app(haproxy, app, ear, until):
    assert haproxy.get("shop.apps.test", "/cart?token=secret") == (200, "one")
    assert haproxy.get("nobody.apps.test")[0] == 404
    (line,) = ear.hears(1, until)
    assert line.startswith('at=info method=GET path="/cart?token=…" host=shop.apps.test request_id=')
    assert f"request_id={app.seen[-1]['x-request-id']} " in line
    assert ' fwd="127.0.0.1" dyno=web.one connect=' in line
    assert "status=200" in line
    assert "secret" not in line


def test_lines_go_on_after_a_reload(haproxy, app, ear, until):
    haproxy.get("shop.apps.test", "/before")
    haproxy.router.processes.write_config()
    haproxy.control.reload()
    haproxy.get("shop.apps.test", "/after")
    assert ['path="/before"' in line or 'path="/after"' in line for line in ear.hears(2, until)] == [True, True]


def test_without_backends_the_page_and_the_line_say_h14(haproxy, app, ear, app_id, until):
    haproxy.deploy(app_id, "g1")
    status, page = haproxy.get("shop.apps.test")
    assert status == 503
    assert "H14" in page
    (line,) = ear.hears(1, until)
    assert line.startswith('at=error code=H14 desc="No web processes running" method=GET')


def test_in_maintenance_the_line_says_h80(haproxy, app, ear, app_id, until):
    haproxy.router.maintenance.turn_on(app_id)
    assert haproxy.get("shop.apps.test")[0] == 503
    assert 'at=error code=H80 desc="Maintenance mode"' in ear.hears(1, until)[0]


def test_a_process_that_takes_no_connections_is_h21(haproxy, app, ear, until):
    app.stop()
    status, page = haproxy.get("shop.apps.test")
    assert status == 503
    assert "H21" in page
    assert 'at=error code=H21 desc="Backend connection refused"' in ear.hears(1, until)[0]


def test_a_request_that_takes_too_long_is_h12(start_haproxy, start_app, app_id, until):
    haproxy = start_haproxy(silence_timeout_s=0.3)
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", start_app("one"))
    ear = Ear(haproxy, app_id)
    status, page = haproxy.get("shop.apps.test", "/slow")
    assert status == 504
    assert "H12" in page
    (line,) = ear.hears(1, until)
    ear.pipe.close()
    assert line.startswith('at=error code=H12 desc="Request timeout" method=GET path="/slow"')
    assert "dyno=web.one" in line


@pytest.mark.parametrize(("answer", "code"), [(b"", "H13"), (b"hello\r\n\r\n", "H17")])
def test_an_app_that_speaks_no_http(haproxy, app, app_id, ear, until, answer, code):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_answer, args=(listener, answer), daemon=True).start()
        app.port = listener.getsockname()[1]
        with haproxy.database.write() as session:
            backend = type(app.backend)("rude", "127.0.0.1", app.port)
            haproxy.router.point(session, app_id, "g2", [backend])
        haproxy.router.apply(app_id)
        status, page = haproxy.get("shop.apps.test", method="POST")
        assert status == 502
        assert code in page
        assert f"at=error code={code} " in ear.hears(1, until)[0]


def _answer(listener, answer):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # the test is over
        with connection:
            if connection.recv(4096):
                connection.sendall(answer)
