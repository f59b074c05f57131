"""How a line of a Procfile is run."""

from __future__ import annotations

from scheduler.runtime import Terminal
from scheduler.shell import how_to_run, sized


def test_a_line_is_run_by_the_images_shell() -> None:
    runs = how_to_run("exec ./server", {"PORT": "5000"})
    assert runs["entrypoint"] == ["/bin/sh", "-c"]
    assert [line.endswith("exec ./server") for line in runs["command"]] == [True]
    assert runs["environment"]["PORT"] == "5000"


def test_an_image_may_bring_a_launcher_that_takes_the_line() -> None:
    own, plain = how_to_run("./server", {}, "/usr/local/bin/with-profile"), how_to_run("./server", {})
    assert own["entrypoint"] == ["/usr/local/bin/with-profile"]
    assert own["command"] == plain["command"]


def test_a_shell_leaves_ctrl_c_to_what_somebody_typed_and_gives_its_terminal_a_size() -> None:
    [line] = how_to_run(sized("bash", Terminal(80, 24)), {}, once=True)["command"]
    assert "INT;" in line
    assert line.endswith("stty cols 80 rows 24 2>/dev/null; bash")
    assert sized("bash", None) == "bash"
