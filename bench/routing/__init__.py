"""`python -m bench routing`: the router with 1, 1,000 and 10,000 apps, beside bare HAProxy and nginx.

TAKES  nothing: it starts what it measures, on loopback, without a platform or an engine.
GIVES  a table of everything, and the rows that have a budget.
NEVER  leaves anything on the machine.
"""

from bench.routing.measure import measure

__all__ = ["measure"]
