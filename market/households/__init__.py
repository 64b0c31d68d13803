"""The register of households: code, village, head count, and each household's status over time.

Always holds: a household has one status on any day it is on the register; whether it is assisted is asked of a day,
never of today. Never: holds a name or a number of a person in clear; rewrites a status when a later one comes.
"""
