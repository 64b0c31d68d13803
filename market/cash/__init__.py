"""Cash: whose the buyers' money is, from the day it comes in to the day it is paid on or paid back.

Owns the cash book: its chart of accounts, and where an order's money stands after each of its facts. Always holds, per
order and at every moment: captured + still owed = held + earned + fee + to be refunded; what is held is never negative;
nothing is rounded away, for a fee is all that is ever a part of an amount. Never: mixes with the attribution book, in
which a supplier owes a household and the platform owes nobody.
"""
