"""`make crash`: application, worker and PostgreSQL are killed with SIGKILL under load, and no word of theirs is lost.

Writers place, confirm, ship, accept and return orders over HTTP. They pay them by receipts, by statements of a bank in
custody, and online; they ask for refunds and have suppliers paid by the bank or the provider. Each request is in a
journal on disk with its Idempotency-Key before it is sent, and its answer before anything follows from it; one that was
not answered is sent again, the same, when the servers are back. Application, worker and database die at random
instants, alone or together. After every cycle each acknowledged effect must be in the database once and to the fen.

The provider is an emulated Stripe in a process of its own, which does not die. Events that it sends while the
application is dead are lost; others come twice. At the end, when workers have done all that was put off, it must have
made one payment for each that was begun, one charge for each order group, one refund for each refund and one transfer
for each settlement, its movements and its balance must be the book's, doctor and verify must find nothing, and the
books must balance.

The seed repeats what is chosen: who dies when, and what is ordered. It does not repeat how threads and processes meet.

`make crash CONTROL=1` is the negative control: with `synchronous_commit=off` the same run must tell of loss. A soak
test is another: a provider that forgets its idempotency keys must be seen to double.

What it does not show: SIGKILL leaves what was handed to the operating system, so power failures and disks that lie
are not tested here. The provider dies in no run; what it does when it fails is tested in `tests/failures`.

A deed that the market learns is a `Deed` in `deeds`, `online` or `settling` and a place in a journey (`journeys`).
"""
