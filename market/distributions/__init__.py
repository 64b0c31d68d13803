"""Distributions: what a list gives households out of pools and retained money, and what collectives give on.

Owns the distributions of suppliers (按期分配) and the second distributions of village collectives (二次分配), each with
its list, and the simulation of a plan's version (方案测算), which tells to whom what is kept would be given. Always
holds: a list follows from a register version pinned by its hash, or from the volumes of named lots, by a named formula;
it is decided by the county, never by its maker; no source is shared out twice for one day; no more is given than stands
recognised, or than the collective has received; every fen keeps its order line. Never: changes a list, or lets what
cannot be paid to a household fall to the supplier: it waits in the pool.
"""
