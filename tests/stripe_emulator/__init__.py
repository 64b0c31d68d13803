"""A Stripe that keeps state, over real HTTP, for tests without the internet and for the demonstration.

It is called by nothing but Stripe's own SDK. What it accepts and what it answers is read from that SDK, which is
generated from Stripe's specification (`contract`, `schemas`): an unknown or missing parameter is refused as Stripe
refuses it, and an answer that does not fit the SDK's type never leaves. An operation that Stripe has and this emulator
has not is answered with 501, and so is a parameter it would ignore; what Stripe has not either, with 404.

`server.running()` serves one and yields its `control.Emulator`; `python -m tests.stripe_emulator` is a process of its
own, which takes the same commands at `/_emulator/<name>`. Each family of objects has a file: `payments`, `methods`,
`charges`, `refunds`, `accounts`, `transfers`, `payouts`, `disputes`, `balances`, `events`. Every change of a balance is
a balance transaction, and `Emulator.check()` finds money that is not where the objects say (`bookkeeping`).
Idempotency keys are kept as Stripe keeps them (`idempotency`), calls fail on command (`faults`), and events are sent,
lost, doubled, delayed and forged on command (`deliveries`).

How money moves, which test card does what and how errors read is written from Stripe's documentation, and compared with
the live service only when the tests of the public contract run with `STRIPE_API_KEY`.
"""
