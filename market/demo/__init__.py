"""The demonstration: one order from listing to audit, what households have beside it, and an order paid by card.

Owns no data and no table. Always holds: every step is a request that a client could send, signed in as the member who
would send it, and every figure shown was read from an answer. Never: calls a service, or passes over an answer that
the story did not foresee.
"""
