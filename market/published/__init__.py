"""Published figures: what press, forecasts, intents and agreements say of sales, or count, as it was printed.

Owns one table. Always holds: every figure has a scope, a period and a source, and is money or a count. Never: is a sale
or an income, is added to another, or is read by a report, for no other domain may import this one.
"""
