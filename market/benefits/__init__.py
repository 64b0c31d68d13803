"""Benefit plans: what a supplier promises its households, in versions pinned by hash.

Owns the table of mechanisms, plans and share registers with their versions, what was told by simulations of plans, the
formulas of a period's distribution, and the enrolment of households with suppliers. Always holds: a version is approved
by somebody of another body than its maker, a plan's when it has been simulated since its submission; once approved it
never changes. Never: computes an amount of an order, which is attribution's; or simulates, which is distributions'.
"""
