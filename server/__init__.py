"""Composition: the one place that wires the parts, and `portside-server`, which runs them.

TAKES  a machine, an environment (`PORTSIDE_*`) and a home directory.
GIVES  a running platform: redis, registry, router, api, gateway and worker under supervisor; migrations; set-up.
NEVER  holds a rule of pushes, releases or routes: it calls the front doors of the packages that do.
"""
