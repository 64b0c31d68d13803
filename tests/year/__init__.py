"""A whole year of the market, played through its services and checked by an oracle in exact fractions."""
