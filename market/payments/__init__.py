"""Money in, and back: receipts, online payments, refunds, disputes; what the provider was asked, and what it told.

Always holds: a line of a statement or of the provider's balance pays no more than it brought, and a reference typed by
hand counts once; a receipt's allocations sum to its amount; no order receives more than it owes; money at a supplier's
bank is recognised at once, money in custody or at the provider when it is settled. An order group has one open online
payment; a call is written down before the provider is asked, under a key of its row, and an event is kept once; a
refund is asked for and approved by different people, never exceeds what was paid and is not owed, and succeeds by the
word of the bank or the provider, or the supplier's where it pays itself. An end that the provider told stays, in
whatever order its news comes.

Never: guesses what does not fit to the fen; believes an event that is not signed for this market, or more of it than
which object it is about; asks the provider to change anything inside a transaction; refunds what a dispute holds.
"""
