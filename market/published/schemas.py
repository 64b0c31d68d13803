"""What goes in and out over HTTP: published figures."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import AnyRegionCode, Count, Day, Page, PositiveCount, PositiveFen, Schema, Text
from market.published.rules import WHY_NO_TOTAL, PublishedKind

Id = Annotated[UUID, Field(examples=["0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"])]


class _Printed(Schema):
    kind: Annotated[PublishedKind, Field(examples=["press"])]
    title: Annotated[Text, Field(examples=["线上农产品零售额"])]
    region_code: AnyRegionCode
    scope: Annotated[Text, Field(examples=["经扶贫832等平台"])]
    period_from: Annotated[Day, Field(examples=["2020-01-01"])]
    period_to: Annotated[Day, Field(examples=["2020-12-31"])]
    source: Annotated[Text, Field(examples=["庆阳市脱贫攻坚总结(2020)"])]


class PublishFigure(_Printed):
    """What somebody printed, as it was printed: an amount, or how many households and people were counted."""

    amount_fen: Annotated[PositiveFen | None, Field(examples=[26000000000])] = None
    households: Annotated[PositiveCount | None, Field(examples=[None])] = None
    people: Annotated[PositiveCount | None, Field(examples=[None])] = None


class PublishedOut(_Printed):
    """A published figure."""

    id: Id
    amount_fen: Annotated[PositiveFen | None, Field(examples=[26000000000])]
    households: Annotated[Count | None, Field(examples=[None])]
    people: Annotated[Count | None, Field(examples=[None])]


class PublishedPage(Page[PublishedOut]):
    """Published figures, and why they have no total."""

    why_no_total_en: Annotated[str, Field(examples=[WHY_NO_TOTAL[0]])]
    why_no_total_zh: Annotated[str, Field(examples=[WHY_NO_TOTAL[1]])]
