"""Plumbing with no rule of Portside's own in it.

TAKES  settings and values from the packages above.
GIVES  a database, leases, log streams, a task queue, subprocesses, secrets, states, errors. Each module here is a
       front door of its own: `from core.errors import UserError`.
NEVER  knows what a push, a release or a route is; imports nothing of ours.
"""
