"""Settlements: what suppliers have earned in custody is paid on to them, and is theirs when the bank says that it left.

Always holds: nothing is settled before it is accepted and paid for; what a supplier owes for goods that came back is
netted, up to a part of each settlement; who drafts and who approves are two people; shares are recognised when the
money has left custody, not when that was ordered, and recognised no more when it comes back; what is kept in reserve
is released when its days are over. Never: takes back what a household has received; nets across funds models.

Custody and the provider's balance are kept apart because the money in each is that of its own orders' buyers: to net a
debt at the provider against custody would leave the provider's balance short and custody with money of no order. To
make that good the platform would move buyers' money of one into the other, the very pooling that the funds models rule
out (二清). So each settlement only tells what is owed on the other side, and what it carries on.
"""
