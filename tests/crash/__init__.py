"""`make crash`: application and PostgreSQL are killed with SIGKILL under load, again and again, and nothing is lost.

Writers place, confirm, ship, accept and return orders, pay them by receipts and by statements of a bank in custody,
over HTTP. Each request is in a journal on disk with its Idempotency-Key before it is sent, and its answer before
anything follows from it; one that was not answered is sent again, the same, when the servers are back. Application
and database die at random instants, alone or together. After every cycle each acknowledged effect must be in the
database once and to the fen, and at the end doctor and verify must find nothing and the books must balance.

The seed repeats what is chosen: who dies when, and what is ordered. It does not repeat how threads and processes meet.

`make crash CONTROL=1` is the negative control: with `synchronous_commit=off` the same run must tell of loss.

What it does not show: SIGKILL leaves what was handed to the operating system, so power failures and disks that lie
are not tested here.

A deed that the market learns is added to `deeds.py` alone.
"""
