"""`make bench`: the budgets of the design, each measured on a platform of its own beside what it is compared with.

TAKES  the names of the rows to measure (none: all).
GIVES  one table: what, measured, reference, figure, budget, met. Ratios are taken in one run, rounds alternating.
NEVER  leaves anything on the machine, or hides a row that could not be measured.
"""
