"""Money in, and back: receipts, online payments, refunds, disputes; what the provider was asked, and what it told.

An answer to a call, an event and a look at everything may each tell of the same thing, in any order and however often:
all go through `noting`, whose outcome is the same. A movement of the balance at the provider is a line of an account as
a bank's is (`movements`), so that matching and custody know it. Files are use cases: `receiving` a receipt, `matching`
lines with orders (`fitting` is its arithmetic), `finding` which lines and receipts by hand are the same money, the
`meaning` of lines that belong to none, `online` payments, `refunding`, refunds that were `unasked`, `disputes`, what is
`blocking` an order's money, `connecting` accounts; `calls`, `inbox` and `sweeping` are the three ways to and from the
provider, of which `gateway` alone knows Stripe.

Always holds: a line of a statement or of the provider's balance pays no more than it brought, and a reference typed by
hand counts once, with what the bank tells under it about that day; a receipt's allocations sum to its amount; no order
receives more than it owed when it was asked; money at a supplier's bank is recognised at once, money in custody or at
the provider when it is settled. An order group has one open online payment; a call is written down before the provider
is asked, under a key of its row, and an event is kept once; a refund is asked for and approved by different people,
never exceeds what was paid and is not owed, and succeeds by the word of the bank or the provider, or the supplier's
where it pays itself; one that was made on the provider's own pages counts as one of ours. An end that the provider told
stays, in whatever order its news comes.

Locks are taken in this order: an event; an order group or settlement; an online payment; an account; its line; orders
by id; a refund; the supplier; the book; a call. Who hands something to a bank then holds its account open; who closes
one waits for nobody.

Never: guesses what does not fit to the fen; believes an event that is not signed for this market, or more of it than
which object it is about; asks the provider to change anything inside a transaction; refunds what a dispute holds.
"""
