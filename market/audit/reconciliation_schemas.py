"""What goes out over HTTP: the daily reconciliation."""

from datetime import date
from typing import Annotated

from pydantic import Field

from market.api import Count, Schema, SignedFen, Text
from market.audit.rules import Reason
from market.cash.rules import CashKind


class BreakOut(Schema):
    """Something under way: why it stands, on which account, what it concerns, how much and for how many days."""

    reason: Annotated[Reason, Field(examples=["unmatched"])]
    account: Annotated[CashKind | None, Field(examples=["unmatched"])]
    reference: Annotated[str, Field(examples=["中国农业银行 20260331-0017"])]
    detail: Annotated[str, Field(examples=["no_code"])]
    fen: SignedFen
    since: Annotated[date, Field(examples=["2026-03-31"])]
    days: Count


class ClearedOut(Schema):
    """An account that clears: its balance, and what of it the breaks explain; above zero stands to its credit."""

    code: Annotated[str, Field(examples=["2040"])]
    account: Annotated[CashKind, Field(examples=["unmatched"])]
    name: Annotated[Text, Field(examples=["待匹配到款"])]
    balance_fen: SignedFen
    explained_fen: SignedFen
    unexplained_fen: SignedFen


class ReconciliationOut(Schema):
    """What is under way today, oldest first, and the accounts that it explains; `unexplained_fen` is to be zero."""

    on: Annotated[date, Field(examples=["2026-03-31"])]
    unexplained_fen: SignedFen
    accounts: list[ClearedOut]
    breaks: list[BreakOut]
