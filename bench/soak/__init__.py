"""`make soak`: changes without a pause, under a steady traffic, for an hour; then a look for whatever is left behind.

TAKES  how long, and how many requests a second.
GIVES  one table: each thing that could leak, before, after, and what is allowed; what failed. Exit code 1 if not well.
NEVER  leaves anything on the machine.
"""
