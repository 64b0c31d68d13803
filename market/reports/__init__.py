"""Reports: read models over the whole market, each figure with what it counts.

Owns no table. Always holds: every report adds up to the orders and to the book of the same days, row by row and in
total; a sale stands beside the income it brought and is never divided by households; what no order brought has a row
of its own. Never: writes, forecasts, or states an increase without a baseline.
"""
