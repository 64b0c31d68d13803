"""The ledger: accounts, entries, transfers. A dumb, perfect book.

Owns two books that never mix, cash and attribution. Always holds: a row is one transfer between two accounts of one
book, so no book can be out of balance; an entry's transfers are written once, with it; a source posts once; a closed
month takes nothing; nothing is ever changed, by privileges and by triggers. Never: knows what an amount means.
"""
