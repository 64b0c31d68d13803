"""Livelihoods: what a household earns and spends outside the market, and the lines by which it is monitored.

Owns account items, households' baselines and monitoring lines. Always holds: every item has a day, a source and
evidence; a correction is an item that reverses another, and both stay; whether an item counts follows from its kind;
who checks an item did not record it; of a figure one confirmed baseline is in force for a day, and those before stay.
Never: adds what orders brought to an item, or states an increase without a confirmed baseline.
"""
