"""Money in: what banks brought of the buyers' money, matched to orders by their identification codes or by two people.

Always holds: a line of a statement pays no more than it brought, and a reference typed by hand counts once; a receipt's
allocations sum to its amount; no order receives more than it owes; money at a supplier's bank is recognised at once,
money in custody when it is settled. Never: guesses what does not fit to the fen.
"""
