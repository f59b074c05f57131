"""The budgets, measured: `python -m bench` prints one table, with ratios taken in one run."""
