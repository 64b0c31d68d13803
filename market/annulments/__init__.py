"""Annulments (撤销): what was recorded and approved, and never was, is taken off the book by two people's word.

Owns the annulments of suppliers' distributions. Always holds: one person states why and what shows it, an officer of
the county decides, who is neither the maker nor of the supplier; what falls is what still stands of what was posted,
never more; it goes back to where it had come from on its own order line, so that the shares of a line still sum to its
net amount; what a payee has received stays received and is an advance again. What is annulled frees its days and its
remainder, so that the right list can be proposed anew. Never: edits a posting, or annuls what a village collective gave
on: that stays given (a second distribution cannot be annulled), and so does the distribution that it was given out of.
"""
