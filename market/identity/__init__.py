"""Who is asking, and what may they do.

Owns organisations, their members, the credentials members sign in with, the one permission table, and the record of
answers already given to an idempotency key. Always holds: a request acts as exactly one member of one organisation
under one permission, in a role to which another admitted it than gave it, with a password that neither chose; a secret
is stored only as a hash. Never: decides what a domain's rules allow.
"""
