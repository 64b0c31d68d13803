"""Kinds of published figures, and why these have no total."""

from enum import StrEnum


class PublishedKind(StrEnum):
    """What a published figure is; none of them is a sale of this market (domain.md §1)."""

    PRESS = "press"
    FORECAST = "forecast"
    INTENT = "intent"
    AGREEMENT = "agreement"


WHY_NO_TOTAL = (
    "These figures overlap: one delivery may stand in several of them. Their sum means nothing, and none is given.",
    "以上数字口径互有重叠,同一笔货物可能计入多项,相加没有意义,故不提供合计。",
)
"""Why no answer adds published figures up."""
