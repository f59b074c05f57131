"""What every problem of an app before it runs has in common."""

from __future__ import annotations

from dataclasses import dataclass

from builder.types import BuildFailed
from core.reports import Problem as AnyProblem

PROCFILE_EXAMPLE = "web: gunicorn app:app"
AGAIN = "then commit and push again."


@dataclass(frozen=True)
class Problem(AnyProblem):
    """The base of them all."""


def failed(problem: Problem) -> BuildFailed:
    """The error that ends a build for a problem."""
    return BuildFailed(problem.report(), problem=problem)
