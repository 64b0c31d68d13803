"""Attribution: from what a buyer accepted and paid to what each household earned and was paid, fen by fen.

Owns the ladder accrued → recognised → disbursed → confirmed, advances, top-ups, disbursements and statements. Always
holds, per order line and at every step: households + collectives + pools + suspense + retained = net amount accepted
and not returned; nobody's share is ever negative, on any day; nobody is owed what is paid ahead; what a household has
received is never pulled back, and a payment that it never had is reversed by a second person; nobody asks to pay ahead
for more than was delivered (what a bank says it has paid is booked, whatever it was asked). Never: edits a posting,
dates one before what it takes from, reads today's register for yesterday's delivery, or calls a sale an income.

Facts are recorded late. An entry counts from the day of its fact, or from the later day on which all that it takes from
had come in: a receipt for goods that were accepted after it, a return of what was paid out after it.

A fact of a closed month is posted on the first day after that month; its entry keeps the day of the fact as the
original one (for a return, a price cut or an annulment, that of what it corrects).
"""
