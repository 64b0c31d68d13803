"""Money in: receipts seen at a supplier's bank, matched to orders (funds model `direct`: the buyer pays the supplier).

Always holds: a bank reference counts once, however it is typed; a receipt's allocations sum to its amount; no order
receives more than it owes. Never: holds a buyer's money.
"""
