"""Administrative regions by GB/T 2260 code, each name with the period in which it was valid.

Always holds: a code has at most one name on a day, and its parent is its prefix. Never: renames a row; a new name is
a new row from its day on.
"""
