"""The life of an instance, and that of a change of an app's storage: PENDING ──▶ DONE | FAILED.

STARTING ──▶ RUNNING ──▶ RETIRED ──▶ STOPPING ──▶ STOPPED
    │           │      (out of the  (SIGTERM      (container gone)
    └──▶ CRASHED ◀┘       route)      sent)
            └──▶ STOPPED, once another instance takes its place

A state never goes back: what failed is replaced by a new instance, never revived.
"""

from __future__ import annotations

from enum import StrEnum

from core.states import LifeCycle


class InstanceState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    CRASHED = "crashed"
    RETIRED = "retired"
    STOPPING = "stopping"
    STOPPED = "stopped"


_S = InstanceState

LIFE = LifeCycle(
    {
        _S.STARTING: frozenset({_S.RUNNING, _S.CRASHED, _S.RETIRED, _S.STOPPING, _S.STOPPED}),
        _S.RUNNING: frozenset({_S.CRASHED, _S.RETIRED, _S.STOPPING}),
        _S.CRASHED: frozenset({_S.STOPPED}),
        _S.RETIRED: frozenset({_S.STOPPING, _S.STOPPED}),
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
