"""Lots: quantities with one origin, their graph, the contributions of households, and stock.

Always holds: available + reserved + shipped + accepted + moved + spoiled = quantity, in milli-units, never negative;
contributions, what was bought in and inputs, less the loss, are what a lot claims to be; a lot made of others takes
their contributions along, none twice and none lost; a quality certificate serves one lot and the parts that it is split
into; a lot's contributions are sealed when it is opened for sale; a discarded draft gives its inputs back; a baseline
counts once the county has confirmed it; a contribution that was annulled never was, while its quantity stays.
Never: posts money; it says what was contributed and how far it is drawn.
"""
