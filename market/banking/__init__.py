"""Banking: the bank accounts through which money moves, and every movement that their statements tell.

Always holds: a movement is there once, in however many files its bank words it alike (`banks.rules.line_keys` says
where that ends); what an account in custody has by the cash book is what its bank says; what is open of a movement is
on the account of what is unmatched; an account that is used was confirmed by another member than registered it, and is
not closed. Never: guesses what a movement is for, that is for the rooms above to know.
"""
