"""Certification of products: application, reviews, price evidence, public notice, batches, certificates.

Always holds: each review is decided by another person of another organisation than the applicant and every review
before; a batch is published by a person who decided none of it, in no organisation that recommended it; a price is
tested against evidence; a certificate is listed only after its public notice ended without an open objection. Never:
revives an expired certificate; renewal is a new application.
"""
