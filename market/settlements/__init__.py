"""Settlements: what suppliers have earned in custody is paid on to them, and is theirs when the bank says that it left.

Always holds: nothing is settled before it is accepted and paid for; what a supplier owes for goods that came back is
netted, up to a part of each settlement; who drafts and who approves are two people; shares are recognised when the
money has left custody, not when that was ordered, and recognised no more when it comes back; what is kept in reserve
is released when its days are over. Never: takes back what a household has received.
"""
