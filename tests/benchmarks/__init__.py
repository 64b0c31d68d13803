"""Ratios, not times: each path against what its own SQL and HTTP cost on the same machine in the same run."""
