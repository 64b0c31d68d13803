"""Orders: a buyer's order group, one order per supplier, from placing to acceptance, return and price cut.

Always holds: an order has one channel; its lines pin price, certificate and plan version when placed; stock it holds
is a reservation of a lot; what was accepted line by line is a fact that is never edited. Never: changes an accepted
line; a return is its own fact, and so is a price cut, which its buyer agrees to.
"""
