"""Attribution: from what a buyer accepted and paid to what each household earned and was paid, fen by fen.

Owns the ladder accrued → recognised → disbursed → confirmed, advances, top-ups, disbursements and statements. Always
holds, per order line and at every step: households + collectives + suspense + retained = net amount accepted and not
returned; nobody's share is ever negative; what a household has received is never pulled back. Never: edits a posting,
reads today's register for yesterday's delivery, or calls a sale an income.
"""
