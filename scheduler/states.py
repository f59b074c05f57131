"""The life of an instance, that of a one-off run, and that of a change of storage: PENDING ──▶ DONE | FAILED.

STARTING ──▶ RUNNING ──▶ RETIRED ──▶ STOPPING ──▶ STOPPED
    │           │      (out of the  (SIGTERM      (container gone)
    └──▶ CRASHED ◀┘       route)      sent)
            └──▶ STOPPED, once another instance takes its place

A state never goes back: what failed is replaced by a new instance, never revived. What did not fail may wait:
RETIRED ──▶ WARM (drained, and frozen) ──▶ STARTING, when a rollback wakes it as an instance of the new release; else
──▶ STOPPING. Only whoever moves an instance to WARM freezes it, and only one that was seen frozen is woken; so no
late freeze ever meets an instance that serves.

WAITING ──▶ STARTING ──▶ RUNNING ──▶ STOPPING ──▶ ENDED      a one-off run; FAILED: it never came to run
"""

from __future__ import annotations

from enum import StrEnum

from core.states import LifeCycle


class InstanceState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    CRASHED = "crashed"
    RETIRED = "retired"
    WARM = "warm"
    STOPPING = "stopping"
    STOPPED = "stopped"


_S = InstanceState

LIFE = LifeCycle(
    {
        _S.STARTING: frozenset({_S.RUNNING, _S.CRASHED, _S.RETIRED, _S.STOPPING, _S.STOPPED}),
        _S.RUNNING: frozenset({_S.CRASHED, _S.RETIRED, _S.STOPPING}),
        _S.CRASHED: frozenset({_S.STOPPED}),
        _S.RETIRED: frozenset({_S.WARM, _S.STOPPING, _S.STOPPED}),
        _S.WARM: frozenset({_S.STARTING, _S.STOPPING, _S.STOPPED}),
        _S.STOPPING: frozenset({_S.STOPPED}),
        _S.STOPPED: frozenset(),
    }
)


class ChangeState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


CHANGE = LifeCycle(
    {
        ChangeState.PENDING: frozenset({ChangeState.DONE, ChangeState.FAILED}),
        ChangeState.DONE: frozenset(),
        ChangeState.FAILED: frozenset(),
    }
)


class RunState(StrEnum):
    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"
    FAILED = "failed"


_R = RunState

RUN = LifeCycle(
    {
        _R.WAITING: frozenset({_R.STARTING, _R.FAILED}),
        _R.STARTING: frozenset({_R.RUNNING, _R.FAILED, _R.WAITING}),  # back, when who was starting it is gone
        _R.RUNNING: frozenset({_R.STOPPING, _R.ENDED}),
        _R.STOPPING: frozenset({_R.ENDED}),
        _R.ENDED: frozenset(),
        _R.FAILED: frozenset(),
    }
)
