"""Audit: tracing both ways, recomputing the book from the facts, and examining invariants. It only reads.

Owns no table. Always holds: the recomputation shares no arithmetic with attribution, so that a mistake there is seen
here; whatever is found is named by its source and owner, with what was expected and what was found. Never: writes,
repairs, or knows more of a household than the register says in clear: its code, village, heads and status.
"""
