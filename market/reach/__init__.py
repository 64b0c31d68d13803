"""Reach: how many households an order, a product, a buyer or a channel reached, with how much, and what of it is paid.

Owns no table. Always holds: of months it is what stands now of the lines accepted in them; every public amount is a sum
of parts of at least five households each, of closed months, so that no subtraction gives fewer away. Never: divides a
sale by households, or tells the public who a household is.
"""
