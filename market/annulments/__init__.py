"""Annulments (撤销): what was recorded and approved, and never was, is taken off the book by two people's word.

Owns the annulments of suppliers' distributions, and of contributions to lots that were opened. Always holds: one person
states why and what shows it, an officer of the county decides, who is neither the maker nor of the supplier; what falls
is what still stands of what was posted, never more; it stays on its own order line, so that the shares of a line still
sum to its net amount; what a payee has received stays received and is an advance again.

What a distribution gave goes back to where it had come from, and frees its days and its remainder, so that the right
list can be proposed anew. What a contribution brought, and all that was carried from it, the supplier retains; its
quantity stays in its lots, and counts for nobody. Never: edits a posting, makes the split of a line anew, or annuls
what a village collective gave on: that stays given (a second distribution cannot be annulled), and so does the
distribution that it was given out of.
"""
