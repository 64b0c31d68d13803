"""What goes in and out over HTTP: published figures."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import AnyRegionCode, Day, Page, PositiveFen, Schema, Text
from market.published.rules import WHY_NO_TOTAL, PublishedKind

Id = Annotated[UUID, Field(examples=["0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"])]


class PublishFigure(Schema):
    """What somebody printed, as it was printed."""

    kind: Annotated[PublishedKind, Field(examples=["press"])]
    title: Annotated[Text, Field(examples=["线上农产品零售额"])]
    amount_fen: Annotated[PositiveFen, Field(examples=[26000000000])]
    region_code: AnyRegionCode
    scope: Annotated[Text, Field(examples=["经扶贫832等平台"])]
    period_from: Annotated[Day, Field(examples=["2020-01-01"])]
    period_to: Annotated[Day, Field(examples=["2020-12-31"])]
    source: Annotated[Text, Field(examples=["庆阳市脱贫攻坚总结(2020)"])]


class PublishedOut(PublishFigure):
    """A published figure."""

    id: Id


class PublishedPage(Page[PublishedOut]):
    """Published figures, and why they have no total."""

    why_no_total_en: Annotated[str, Field(examples=[WHY_NO_TOTAL[0]])]
    why_no_total_zh: Annotated[str, Field(examples=[WHY_NO_TOTAL[1]])]
