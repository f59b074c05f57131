"""Deploys, crashes, scaling and one-off runs on the real engine."""

from __future__ import annotations

import threading
import urllib.request
from dataclasses import replace
from typing import Any

import docker
import pytest

from core.errors import Cancelled, DeadlineExceeded
from core.ids import AppId, new_id
from scheduler import BootFailed, InstanceState, LogLine, ProcessType, records
from scheduler.addresses import pick
from scheduler.launcher import Launcher, order_for
from scheduler.records import Slot
from scheduler.tables import AddressRow, InstanceRow
from tests.scheduler.conftest import Platform, eventually, with_path, within
from tests.scheduler.fakes import BYE, IDLE, SERVE

pytestmark = pytest.mark.engine


def get(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}:5000/", timeout=5) as answer:
        return str(answer.read().decode())


def inspect(container_id: str | None) -> dict[str, Any]:
    client = docker.APIClient()
    try:
        return dict(client.inspect_container(container_id))
    finally:
        client.close()


def test_a_deploy_starts_web_and_points_the_route_to_it(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id))
    [instance] = engine.scheduler.instances(app_id)
    assert engine.settled(app_id, ["web.1"], version=1)
    assert engine.routed(app_id) == {instance.address}
    assert get(str(instance.address)) == "v1 hello"
    assert engine.lines[0] == "-----> Starting v1: web=1"
    assert engine.lines[1] == "       The image would run as root, so it runs as user 1000."


def test_a_second_deploy_switches_and_the_old_release_ends(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id))
    with engine.looping():
        engine.deploy(engine.spec(app_id, version=2))
        [address] = engine.routed(app_id)
        assert get(address) == "v2 hello"
        eventually(lambda: engine.settled(app_id, ["web.1"], version=2), "only v2 is left")


def test_a_release_that_exits_at_once_changes_nothing_and_says_why(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id))
    before = engine.scheduler.instances(app_id)
    broken = engine.spec(app_id, version=2, processes=(ProcessType("web", BYE),))
    with pytest.raises(BootFailed, match=r"web\.1 exited with code 3 before it was healthy\."):
        engine.deploy(broken)
    assert engine.scheduler.instances(app_id) == before
    assert engine.scheduler.current_version(app_id) == 1
    assert engine.settled(app_id, ["web.1"], version=1)
    assert engine.lines[-2:] == ["       The last lines of web.1:", "         bye"]


def test_a_command_that_does_not_exist_is_named_as_the_reason(engine: Platform, app_id: AppId) -> None:
    with pytest.raises(BootFailed, match="exited with code 127: there is no no-such-program in its image"):
        engine.deploy(engine.spec(app_id, processes=(ProcessType("web", "no-such-program"),)))
    assert engine.runtime.containers(app_id) == []


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (IDLE, r"web\.1 is not healthy after 1 s: nothing listens on port 5000\."),
        (SERVE.replace("0.0.0.0", "127.0.0.1"), r"it listens on 127\.0\.0\.1:5000, which only its own container"),
        (SERVE.replace("$ENV{PORT}", "3000"), r"it listens on port 3000 and not on 5000\."),
    ],
)
def test_a_web_process_out_of_reach_is_told_where_it_listens(
    engine: Platform, app_id: AppId, command: str, reason: str
) -> None:
    spec = engine.spec(app_id, processes=(ProcessType("web", command),), health={"web": (within(1.0),)})
    with pytest.raises(BootFailed, match=reason):
        engine.deploy(spec)
    assert engine.runtime.containers(app_id) == []


def test_a_health_path_decides(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id, health=with_path("/status/204")))
    with pytest.raises(BootFailed, match="GET /status/500 answered 500"):
        engine.deploy(engine.spec(app_id, version=2, health=with_path("/status/500", timeout_s=0.5)))
    assert engine.settled(app_id, ["web.1"], version=1)


def test_memory_over_the_limit_is_named_as_the_reason(engine: Platform, app_id: AppId) -> None:
    hungry = "exec perl -e '$x = q(x) x 200_000_000; sleep 100'"
    with pytest.raises(BootFailed, match=r"web\.1 used more than its 64 MB of memory and was killed\."):
        engine.deploy(engine.spec(app_id, processes=(ProcessType("web", hungry),)))


def test_one_bad_type_fails_the_whole_release(engine: Platform, app_id: AppId) -> None:
    both = (ProcessType("web", SERVE), ProcessType("worker", IDLE))
    engine.deploy(engine.spec(app_id, processes=both))
    engine.scheduler.scale(app_id, {"worker": 1})
    broken = (ProcessType("web", SERVE), ProcessType("worker", BYE))
    with pytest.raises(BootFailed, match=r"worker\.1 exited with code 3"):
        engine.deploy(engine.spec(app_id, version=2, processes=broken))
    assert engine.scheduler.current_version(app_id) == 1
    assert {container.version for container in engine.runtime.containers(app_id)} == {1}


def test_a_killed_container_is_replaced_and_routed(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id))
    [old] = engine.scheduler.instances(app_id)
    with engine.looping():
        engine.runtime.signal(str(old.container_id), "SIGKILL")
        eventually(
            lambda: engine.settled(app_id, ["web.1"]) and engine.scheduler.instances(app_id)[0].id != old.id,
            "a new instance in its place",
        )
    [new] = engine.scheduler.instances(app_id)
    assert engine.routed(app_id) == {new.address}
    assert get(str(new.address)) == "v1 hello"


def test_strays_of_this_platform_are_removed_and_no_others(engine: Platform, app_id: AppId, base_image: str) -> None:
    engine.deploy(engine.spec(app_id))
    order = replace(_order_of(engine, app_id), instance_id=new_id(), address=_free_address(engine))
    stray = engine.runtime.start(order)
    client = docker.from_env()
    foreign = client.containers.create(base_image, ["true"], labels={"portside.platform": "another"})
    try:
        engine.scheduler.reconcile()
        assert engine.runtime.look(stray) is None
        assert engine.settled(app_id, ["web.1"])
        assert client.containers.get(foreign.id).id == foreign.id
    finally:
        foreign.remove()
        client.close()


def _order_of(engine: Platform, app_id: AppId) -> Any:
    spec = engine.spec(app_id)
    [instance] = engine.scheduler.instances(app_id)
    with engine.database.read() as session:
        row = session.get_one(InstanceRow, instance.id)
    image = engine.runtime.image(spec.image_id, "")
    return order_for(spec, row, image, IDLE, row.address, engine.settings)


def _free_address(engine: Platform) -> str:
    used = {container.address for container in engine.runtime.containers()}
    return pick(engine.settings.subnet, used, 1, 100)[0]


def test_an_address_held_by_a_stranger_is_passed_over(engine: Platform, app_id: AppId, base_image: str) -> None:
    network = engine.settings.network
    prefix = engine.settings.subnet.removesuffix("0/24")
    with engine.database.write() as session:
        own = {f"{prefix}{number}" for number in (10, 11)}
        rest = {f"{prefix}{number}" for number in range(2, 255)} - own
        session.add_all(AddressRow(address=address, instance_id=new_id()) for address in rest)
    client = docker.APIClient()
    endpoint = client.create_networking_config({network: client.create_endpoint_config(ipv4_address=f"{prefix}10")})
    stranger = client.create_container(base_image, ["sleep", "60"], networking_config=endpoint)["Id"]
    client.start(stranger)
    try:
        engine.deploy(engine.spec(app_id))
        assert engine.routed(app_id) == {f"{prefix}11"}
    finally:
        client.remove_container(stranger, force=True)
        client.close()


def test_scaling_up_and_down_keeps_the_route_right(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id))
    with engine.looping():
        engine.scheduler.scale(app_id, {"web": 3})
        eventually(lambda: engine.settled(app_id, ["web.1", "web.2", "web.3"]), "three instances")
        assert engine.routed(app_id) == {one.address for one in engine.scheduler.instances(app_id)}
        engine.scheduler.scale(app_id, {"web": 1})
        eventually(lambda: engine.settled(app_id, ["web.1"]), "one instance")
        assert engine.routed(app_id) == {one.address for one in engine.scheduler.instances(app_id)}


def test_a_restart_brings_the_new_instance_up_before_the_old_one_leaves(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id))
    [old] = engine.scheduler.instances(app_id)
    with engine.looping():
        engine.scheduler.restart(app_id)
        eventually(
            lambda: engine.settled(app_id, ["web.1"]) and engine.scheduler.instances(app_id)[0].id != old.id,
            "a fresh web.1 alone",
        )
    routes = [set(addresses) for _, addresses in engine.router.history]
    assert routes[0] == {old.address}
    assert all(routes), "the route was never empty"


def test_a_one_off_run_gives_its_output_and_exit_code(engine: Platform, app_id: AppId) -> None:
    with engine.line(app_id) as lease:
        command = "echo migrating $WORD as $DYNO; exit 7"
        spec = engine.spec(app_id)
        code = engine.scheduler.run_once(spec, "release", command, lease, engine.log(), lambda: None, 30)
    assert code == 7
    assert engine.lines == ["       migrating hello as release.1"]
    assert engine.runtime.containers(app_id) == []
    assert engine.scheduler.instances(app_id) == []


def test_a_one_off_run_ends_at_its_deadline_and_when_cancelled(engine: Platform, app_id: AppId) -> None:
    with engine.line(app_id) as lease:
        spec, log = engine.spec(app_id), engine.log()
        with pytest.raises(DeadlineExceeded):
            engine.scheduler.run_once(spec, "release", IDLE, lease, log, lambda: None, 0.2)
        with pytest.raises(Cancelled):
            engine.scheduler.run_once(spec, "release", IDLE, lease, log, Cancelled, 60)
    assert engine.runtime.containers(app_id) == []


def test_logs_are_merged_and_followed_into_instances_that_start_later(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id))
    [first] = engine.routed(app_id)
    get(first)
    gone, seen = threading.Event(), list[LogLine]()
    eventually(lambda: "GET /" in _texts(engine.scheduler.logs(app_id)), "the request in the log")
    reader = threading.Thread(target=_collect, args=(engine, app_id, gone, seen), daemon=True)
    reader.start()
    engine.deploy(engine.spec(app_id, version=2))
    [second] = engine.routed(app_id)
    get(second)
    eventually(lambda: _texts(seen).count("GET /") == 2, "the second instance's request")
    gone.set()
    reader.join(10)
    assert _texts(seen).count("listening") == 2
    assert {str(line).split(" ", 1)[1] for line in seen} >= {
        "app[web.1]: listening",
        "portside[web.1]: State changed from starting to up",
    }


def _collect(engine: Platform, app_id: AppId, gone: threading.Event, into: list[LogLine]) -> None:
    for line in engine.scheduler.logs(app_id, follow=True, gone=gone.is_set):
        if line is not None:
            into.append(line)


def _texts(lines: Any) -> list[str]:
    return [line.text for line in lines if line is not None]


def test_apps_cannot_reach_each_other(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id))
    [address] = engine.routed(app_id)
    assert get(address) == "v1 hello"
    peer = f"IO::Socket::INET->new(PeerAddr=>q({address}:5000),Timeout=>2) ? print q(reached) : print q(blocked)"
    other = AppId(new_id())
    with engine.line(other) as lease:
        spec, command = engine.spec(other), f"perl -MIO::Socket::INET -e '{peer}'"
        engine.scheduler.run_once(spec, "probe", command, lease, engine.log(), lambda: None, 30)
    assert engine.lines[-1] == "       blocked"


def test_containers_are_hardened_and_labelled_and_hold_no_secret_in_the_open(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id, env={"WORD": "s3cret-value"}))
    [instance] = engine.scheduler.instances(app_id)
    found = inspect(instance.container_id)
    host = found["HostConfig"]
    assert found["Config"]["User"] == "1000:1000"
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert (host["Init"], host["PidsLimit"], host["NanoCpus"]) == (True, 256, 1_000_000_000)
    assert host["Memory"] == host["MemorySwap"] == 64 * 1024 * 1024
    assert host["RestartPolicy"]["Name"] in ("", "no")
    assert host["LogConfig"] == {"Type": "local", "Config": {"max-file": "3", "max-size": "10m"}}
    assert found["NetworkSettings"]["Networks"][engine.settings.network]["IPAddress"] == instance.address
    labels = found["Config"]["Labels"]
    assert labels["portside.app"] == app_id
    assert labels["portside.instance"] == instance.id
    assert (labels["portside.process"], labels["portside.version"]) == ("web.1", "1")
    assert "s3cret-value" not in str(labels) + str(found["Args"]) + found["Name"]
    own = {"PORT=5000", "PORTSIDE_APP=sample", "RELEASE_VERSION=v1", "SOURCE_VERSION=c0ffee", "DYNO=web.1"}
    assert own <= set(found["Config"]["Env"])


def test_what_a_dead_worker_left_is_removed_by_the_next_deploy(engine: Platform, app_id: AppId) -> None:
    """A worker that died between start and switch: its rows are STARTING under an older fence."""
    abandoned = _die_before_the_switch(engine, app_id)
    assert engine.runtime.look(abandoned) is not None
    engine.deploy(engine.spec(app_id))
    assert engine.runtime.look(abandoned) is None
    assert engine.settled(app_id, ["web.1"])


def test_what_a_dead_worker_left_is_reaped_by_the_loop(engine: Platform, app_id: AppId) -> None:
    abandoned = _die_before_the_switch(engine, app_id)
    with engine.looping():
        eventually(lambda: engine.runtime.look(abandoned) is None, "the orphan is gone")
        eventually(lambda: engine.scheduler.instances(app_id) == [], "its record is closed")


def _die_before_the_switch(engine: Platform, app_id: AppId) -> str:
    spec = engine.spec(app_id)
    with engine.line(app_id) as lease, engine.database.write() as session:
        [row] = records.add_instances(session, spec, new_id(), lease.fence, [Slot("web", 1)], engine.settings, set())
    launcher = Launcher(engine.database, engine.router, engine.runtime, engine.settings)  # type: ignore[arg-type]
    return launcher.launch(spec, row, SERVE)


def test_destroying_an_app_leaves_nothing_of_it(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id))
    engine.scheduler.forget_app(app_id)
    assert engine.runtime.containers(app_id) == []
    assert engine.scheduler.instances(app_id) == []
    assert engine.scheduler.current(app_id) is None
    assert engine.routed(app_id) == set()


def test_the_highest_version_is_read_from_the_containers(engine: Platform, app_id: AppId) -> None:
    assert engine.scheduler.highest_version(app_id) == 0
    engine.deploy(engine.spec(app_id, version=41))
    assert engine.scheduler.highest_version(app_id) == 41


def test_a_crashing_release_is_tried_again_more_and_more_rarely(engine: Platform, app_id: AppId) -> None:
    """It is healthy at first, so it goes live; then it keeps dying."""
    dies = SERVE.replace("while($c=$s->accept)", "alarm 1; while($c=$s->accept)")
    engine.deploy(engine.spec(app_id, processes=(ProcessType("web", dies),)))
    crashed: list[str] = []

    def count() -> bool:
        crashed.extend(
            one.id
            for one in engine.scheduler.instances(app_id)
            if one.state is InstanceState.CRASHED and one.id not in crashed
        )
        return len(crashed) >= 2

    with engine.looping():
        eventually(count, "two crashes")
    with engine.database.read() as session:
        failures = [session.get_one(InstanceRow, instance_id).failures for instance_id in crashed]
    assert failures == [1, 2]
