"""What is made of a HAProxy that goes away in the middle of a question."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.errors import Unavailable
from router import HaproxyControl, RouterDown
from router.runtime_socket import CutOff, ask, ask_all

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
                while client.recv(1024):  # all of the question
                    pass
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


def test_a_reload_is_over_once_the_earlier_worker_takes_no_connection_any_more(serve: Serve) -> None:
    """Both have the same sockets until then: what is told to one of the two may be told to the wrong one."""
    two = "1 master\n# workers\n8 worker 0 0d00h00m00s\n# old workers\n7 worker 1 0d00h00m09s\n"
    worker = serve("worker.sock", "Pid: 7", "Pid: 7", None, "Pid: 8", "Pid: 8", "asked no more")
    master = serve(
        "master.sock",
        "",
        two,
        "Listeners: 4\nUnstoppable Jobs: 1",
        two,
        "Listeners: 1\nUnstoppable Jobs: 1",
        "nor here",
    )
    HaproxyControl(worker, master, keep_alive_s=1, timeout_s=5).reload()
    assert ask(str(worker), "show info", 5) == "asked no more"
    assert ask(str(master), "show proc", 5) == "nor here"


def test_many_questions_are_one_and_each_gets_its_own_answer(serve: Serve) -> None:
    path = str(serve("worker.sock", "found=no\n\n1\n# be_name\n\nCan't find backend.\n\n"))
    assert ask_all(path, ["get map a b", "show servers state c", "show servers state d"], 5) == [
        "found=no",
        "1\n# be_name",
        "Can't find backend.",
    ]


def test_more_than_a_line_takes_is_asked_in_several(serve: Serve) -> None:
    path = str(serve("worker.sock", "one\n\ntwo\n\n", "three\n\n"))
    assert ask_all(path, ["x" * 3000, "y" * 3000, "z" * 3000], 5) == ["one", "two", "three"]


def test_answers_that_can_not_be_told_apart_are_refused(serve: Serve) -> None:
    with pytest.raises(Unavailable, match="not clear"):
        ask_all(str(serve("worker.sock", "one\n\n")), ["get map a b", "get map a c"], 5)


def test_no_question_is_not_asked(tmp_path: Path) -> None:
    assert ask_all(str(tmp_path / "none.sock"), [], 5) == []
