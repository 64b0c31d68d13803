"""The catalogue: categories, products, price tiers, listing and search.

Always holds: a listed product carries a certificate of its own supplier and follows the plan that was reviewed with
it; no tier is priced above the certificate's evidence; what is sellable on a day is one rule, used by listing and
placing alike. Never: holds stock.
"""
