"""What is made of a HAProxy that goes away in the middle of a question."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from router import HaproxyControl, RouterDown
from router.runtime_socket import CutOff, ask

STATES = "1\n# be_name srv_name srv_addr srv_port srv_admin_state\nslot_0000 web.1 10.0.0.7 5000 0\n"
Serve = Callable[..., Path]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """`serve(name, answer, …)`: a socket at which one client after the other gets an answer, or (None) is cut off."""
    with ExitStack() as stack:

        def begin(name: str, *answers: str | None) -> Path:
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(tmp_path / name))
            listener.listen()
            threading.Thread(target=_serve, args=(listener, answers), daemon=True).start()
            return tmp_path / name

        yield begin


def _serve(listener: socket.socket, answers: tuple[str | None, ...]) -> None:
    for answer in answers:
        client, _ = listener.accept()
        with client:
            if answer is None:
                client.recv(1)  # what is left unread resets the connection
            else:
                client.recv(1024)
                client.sendall(answer.encode())


def test_a_connection_that_is_cut_off_is_told_from_a_router_that_is_not_there(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(CutOff, match="The router ended the connection"):
        ask(str(serve("master.sock", None)), "show proc", 5)
    with pytest.raises(RouterDown):
        ask(str(tmp_path / "none.sock"), "show proc", 5)


def test_a_master_that_starts_anew_is_asked_again(serve: Serve) -> None:
    worker, master = serve("worker.sock", STATES), serve("master.sock", None, "1 master\n# old workers\n")
    control = HaproxyControl(worker, master, keep_alive_s=1, timeout_s=5)
    assert control.addresses() == {"10.0.0.7"}
