"""Warnings of households at risk, and cross-checks of their income: every rule named, each with what triggered it.

Judged over the twelve months that end with the month before, by money received (domain.md §5, §8; the official rules
of doubtful data are named beside those that follow them, domain-sources.md §2.6). The number of statements does not
depend on the number of households.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.net_income import NetIncome, net_incomes
from market.attribution.payables import Payable, overdue_to
from market.attribution.statements import positions_by
from market.audit.lapsing import BeyondLand, LapsedAssistance, beyond_land, lapsed_assistance
from market.audit.late_statuses import LateStatus, late_statuses
from market.audit.rules import MonitoringRule
from market.benefits.rules import IncomeClass
from market.db import plan_anew
from market.households.continuing import LeftEarly, left_early
from market.households.queries import (
    Monitored,
    counts_by_county,
    late_head_counts,
    monitored_households,
    sharing_accounts,
)
from market.identity.rules import Actor
from market.livelihoods.lines import Line, lines_of, strictest
from market.livelihoods.queries import Unchecked, item_sums, unchecked_sums
from market.livelihoods.rules import ITEMS, ItemKind, Treatment, rolling_year
from market.money import WHOLE_BP

LEAST_WAGE_FEN, MOST_WAGE_FEN = 30_000, 30_000_000
"""A year's wage between these is plausible: 300 to 300,000 yuan (rule no. 19)."""
LATE_STATUS_DAYS = 30
"""A status, or a head count, that is recorded later than this after it began is looked at."""
COUNTED = [kind for kind, terms in ITEMS.items() if terms.treatment is Treatment.COUNTED]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that the rules judge a household by; amounts in fen."""

    household: Monitored
    income: NetIncome
    line: Line | None
    self_paid_before_fen: int
    enrolled_on: date | None
    paid_above_fen: int
    off_register: tuple[int, int]
    lapsed: LapsedAssistance | None
    beyond_land: BeyondLand | None
    unchecked: Sequence[Unchecked]
    late_status: LateStatus | None
    heads_days_late: int
    sharing_account: int
    left_early: LeftEarly | None
    overdue: Sequence[Payable]
    on: date


class Alert(NamedTuple):
    """A household, the rule that it triggers, and the figures by which it does."""

    household: Monitored
    rule: MonitoringRule
    figures: Mapping[str, int]


Judge = Callable[[Circumstances], Mapping[str, int] | None]


def below_the_line(found: Circumstances) -> Mapping[str, int] | None:
    """Judge by the line of the year in which the window ends, if any; what nobody checked keeps nobody above it."""
    per_head, checked = found.income.monitored_per_head, found.income.checked_per_head
    if found.line is None or _nothing(found.income) or min(per_head.fen, checked.fen) >= found.line.line_fen:
        return None
    return {
        "line_fen": found.line.line_fen,
        "monitored_per_head_fen": per_head.fen,
        "checked_per_head_fen": checked.fen,
        "unchecked_fen": found.income.other_fen - found.income.other_checked_fen,
        "net_fen": found.income.net_fen,
        "self_paid_fen": found.income.self_paid_fen,
        "heads": per_head.heads,
    }


def nothing_recorded(found: Circumstances) -> Mapping[str, int] | None:
    """An account without income says nothing of the household, and is no income below the line."""
    return {"gross_fen": 0} if _nothing(found.income) else None


def _nothing(income: NetIncome) -> bool:
    return income.gross_fen == 0 and income.received_fen == 0


def expense_jumps(found: Circumstances) -> Mapping[str, int] | None:
    """Judge what was self-paid against the twelve months before, by the ratio and the amount of the line's row."""
    now_fen, before_fen = found.income.self_paid_fen, found.self_paid_before_fen
    if found.line is None or now_fen - before_fen < found.line.jump_fen:
        return None
    if now_fen * WHOLE_BP < before_fen * found.line.jump_bp:
        return None
    return {"self_paid_fen": now_fen, "self_paid_before_fen": before_fen, "jump_fen": found.line.jump_fen}


def _operating(income: NetIncome) -> int:
    """Return operating income; money paid ahead may become operating, and is taken for it."""
    known = income.from_suppliers(IncomeClass.OPERATING) + income.other(IncomeClass.OPERATING)
    return known + max(income.ahead_fen, 0)


def operating_income_without_expense(found: Circumstances) -> Mapping[str, int] | None:
    """Who produces spends something on it."""
    operating_fen = _operating(found.income)
    return {"operating_fen": operating_fen} if operating_fen > 0 == found.income.operating_expense_fen else None


def help_without_operating_income(found: Circumstances) -> Mapping[str, int] | None:
    """Who took part with a supplier for the whole window should have earned by it."""
    if found.enrolled_on is None or found.enrolled_on > found.income.window.begin or _operating(found.income) > 0:
        return None
    return {
        "operating_fen": _operating(found.income),
        "property_fen": found.income.from_suppliers(IncomeClass.PROPERTY),
    }


def wage_implausible(found: Circumstances) -> Mapping[str, int] | None:
    """A wage too small or too great to be a year's is probably mistyped."""
    wage_fen = found.income.from_suppliers(IncomeClass.WAGE) + found.income.other(IncomeClass.WAGE)
    return {"wage_fen": wage_fen} if wage_fen > MOST_WAGE_FEN or 0 < wage_fen < LEAST_WAGE_FEN else None


def paid_above_attributed(found: Circumstances) -> Mapping[str, int] | None:
    """Money beyond all that was attributed, and that contributions may yet bring, is claimed by nothing."""
    return {"paid_above_fen": found.paid_above_fen} if found.paid_above_fen > 0 else None


def status_lapsed(found: Circumstances) -> Mapping[str, int] | None:
    """What was delivered by a household off the register counts for nobody's assistance, consigned or priced."""
    deliveries, fen = found.off_register
    return {"off_register_deliveries": deliveries, "off_register_fen": fen} if deliveries else None


def assistance_lapsed(found: Circumstances) -> Mapping[str, int] | None:
    """Judge by the day of delivery, or of acceptance for pools; who is ordinary by then is assisted no more."""
    return found.lapsed._asdict() if found.lapsed else None


def delivered_beyond_land(found: Circumstances) -> Mapping[str, int] | None:
    """Who delivers more than its land bears has bought the rest, or lends its name."""
    return found.beyond_land._asdict() if found.beyond_land else None


def unchecked_items(found: Circumstances) -> Mapping[str, int] | None:
    """Judge what of other income is unchecked for longer than the line's row lets it; all of it, if above the line."""
    line, heads = found.line, found.household.head_count
    if line is None:
        return None
    fen, most_fen = sum(each.fen for each in found.unchecked), line.line_fen
    if fen // heads <= most_fen:
        old = (each.fen for each in found.unchecked if (found.on - each.recorded_on).days > line.unchecked_days)
        fen, most_fen = sum(old), line.unchecked_fen
    if fen // heads <= most_fen:
        return None
    return {
        "unchecked_fen": fen,
        "unchecked_per_head_fen": fen // heads,
        "unchecked_most_fen": most_fen,
        "unchecked_days": line.unchecked_days,
        "heads": heads,
    }


def status_recorded_late(found: Circumstances) -> Mapping[str, int] | None:
    """Who dates a status back, alone, has earlier deliveries count, and opens pools that were for assisted ones."""
    return found.late_status._asdict() if found.late_status else None


def heads_recorded_late(found: Circumstances) -> Mapping[str, int] | None:
    """Who dates another head count back, alone, changes figures per head of years that are long closed."""
    return {"days_late": found.heads_days_late} if found.heads_days_late else None


def account_shared(found: Circumstances) -> Mapping[str, int] | None:
    """Whose account also takes another household's money may be lending its name."""
    return {"households": found.sharing_account} if found.sharing_account else None


def left_monitoring_early(found: Circumstances) -> Mapping[str, int] | None:
    """Who leaves the register is monitored no more; who would not be known again may be registered anew unseen."""
    left = found.left_early
    return {"monitored_days": left.days, "people_known": left.people} if left else None


def overdue_disbursement(found: Circumstances) -> Mapping[str, int] | None:
    """Judge what suppliers owe by the terms of the household's region, as the list of payables does."""
    if not found.overdue:
        return None
    return {
        "overdue_fen": sum(each.overdue_fen for each in found.overdue),
        "age_days": max(each.age_days for each in found.overdue),
        "within_days": max(each.within_days for each in found.overdue),
        "suppliers": len(found.overdue),
    }


JUDGES: Mapping[MonitoringRule, Judge] = {
    MonitoringRule.BELOW_THE_LINE: below_the_line,
    MonitoringRule.NOTHING_RECORDED: nothing_recorded,
    MonitoringRule.EXPENSE_JUMPS: expense_jumps,
    MonitoringRule.OPERATING_INCOME_WITHOUT_EXPENSE: operating_income_without_expense,
    MonitoringRule.HELP_WITHOUT_OPERATING_INCOME: help_without_operating_income,
    MonitoringRule.WAGE_IMPLAUSIBLE: wage_implausible,
    MonitoringRule.PAID_ABOVE_ATTRIBUTED: paid_above_attributed,
    MonitoringRule.STATUS_LAPSED: status_lapsed,
    MonitoringRule.ASSISTANCE_LAPSED: assistance_lapsed,
    MonitoringRule.DELIVERED_BEYOND_LAND: delivered_beyond_land,
    MonitoringRule.UNCHECKED_ITEMS: unchecked_items,
    MonitoringRule.STATUS_RECORDED_LATE: status_recorded_late,
    MonitoringRule.HEADS_RECORDED_LATE: heads_recorded_late,
    MonitoringRule.ACCOUNT_SHARED: account_shared,
    MonitoringRule.LEFT_MONITORING_EARLY: left_monitoring_early,
    MonitoringRule.OVERDUE_DISBURSEMENT: overdue_disbursement,
}


_ENROLLED = sa.text(
    """
    SELECT household_id, min(enrolled_on) FROM enrolments
     WHERE household_id = ANY(CAST(:households AS uuid[])) AND confirmed_at IS NOT NULL
     GROUP BY household_id
    """
)
_OPEN_SINCE = sa.text(
    "SELECT CAST(max(month) + interval '1 month' AS date) FROM ledger_periods"
    " WHERE book = 'attribution' AND month <= CAST(:end AS date)"
)
_ACCOUNTS = """
WITH accounts AS MATERIALIZED (
  SELECT id, owner_id AS household_id, kind, step
    FROM ledger_accounts
   WHERE book = 'attribution' AND kind = 'household' AND owner_id = ANY(CAST(:households AS uuid[]))
     AND step IN ('advance', 'accrued', 'recognised', 'top_up')
),
"""
_LESS_UNRELEASED = """
, ahead AS (
  SELECT household_id, sum(CASE WHEN step = 'advance' THEN opening_fen ELSE -opening_fen END) AS fen
    FROM positions GROUP BY household_id
), unreleased AS (
  SELECT c.household_id, sum(c.amount_fen - div(CAST(c.amount_fen AS numeric) * (l.accepted_milli + l.moved_milli),
                                                l.quantity_milli) + coalesce(k.fen, 0)) AS fen
    FROM contributions c
    JOIN lots l ON l.id = c.lot_id
    LEFT JOIN release_carries k ON k.contribution_id = c.id
   WHERE c.household_id = ANY(CAST(:households AS uuid[]))
     AND (l.status NOT IN ('draft', 'discarded') OR l.status = 'draft' AND c.carried_from IS NOT NULL)
     AND c.annulment_id IS NULL
   GROUP BY c.household_id
)
SELECT a.household_id, CAST(a.fen - coalesce(u.fen, 0) AS bigint)
  FROM ahead a LEFT JOIN unreleased u ON u.household_id = a.household_id
"""
_ABOVE = sa.text(_ACCOUNTS + positions_by("household_id") + _LESS_UNRELEASED)
"""Money paid ahead by the end of the window, less what is attributed and not paid, less what contributions to lots have
yet to release. That is as of now: a lot keeps no history of its stock. A draft is one person's word, but not what has
left another lot for it."""
_OFF_REGISTER = sa.text(
    """
    SELECT c.household_id, count(*), CAST(coalesce(sum(c.amount_fen), 0) AS bigint)
      FROM contributions c JOIN households h ON h.id = c.household_id
     WHERE c.household_id = ANY(CAST(:households AS uuid[])) AND c.delivered_on BETWEEN :begin AND :end
       AND c.carried_from IS NULL AND c.annulment_id IS NULL
       AND (c.delivered_on < h.registered_on OR c.delivered_on >= h.departed_on)
     GROUP BY c.household_id
    """
)


def alerts(
    session: orm.Session,
    actor: Actor,
    *,
    region_code: str,
    on: date,
    rules: Collection[MonitoringRule] = frozenset(MonitoringRule),
) -> list[Alert]:
    """Return what the rules find of the households of a county or below it, by code, as of a day."""
    plan_anew(session)
    connection = session.connection()
    window = rolling_year(on)
    households = monitored_households(connection, actor, region_code=region_code, on=on, heads_on=window.end)
    ids = [household.id for household in households]
    incomes = net_incomes(connection, {household.id: household.head_count for household in households}, window, on=on)
    before = rolling_year(window.begin)
    self_paid = {
        each.household_id: each.fen
        for each in item_sums(connection, ids, begin=before.begin, end=before.end)
        if each.kind is ItemKind.SELF_PAID
    }
    lines = lines_of(session, window.end.year)
    asked = {"households": ids, "begin": window.begin, "end": window.end, "period_to": window.end}
    enrolled: dict[UUID, date] = {row[0]: row[1] for row in connection.execute(_ENROLLED, asked)}
    since = connection.scalar(_OPEN_SINCE, asked) or date.min
    asked |= {"period_from": window.next_day, "since": since}
    above: dict[UUID, int] = {row[0]: row[1] for row in connection.execute(_ABOVE, asked)}
    away: dict[UUID, tuple[int, int]] = {row[0]: (row[1], row[2]) for row in connection.execute(_OFF_REGISTER, asked)}
    lapsed = lapsed_assistance(connection, ids, begin=window.begin, end=on, on=on)
    beyond = beyond_land(connection, ids, begin=window.begin, end=on)
    late = late_statuses(connection, ids, days=LATE_STATUS_DAYS, since=window.begin)
    heads = late_head_counts(connection, ids, days=LATE_STATUS_DAYS, since=window.begin)
    unchecked: dict[UUID, list[Unchecked]] = defaultdict(list)
    for each in unchecked_sums(connection, ids, COUNTED, window, on=on):
        unchecked[each.household_id].append(each)
    sharing = sharing_accounts(connection, ids)
    early = left_early(connection, ids, begin=window.begin, end=on)
    asks_overdue = MonitoringRule.OVERDUE_DISBURSEMENT in rules  # of all statements the one that reads the most
    overdue = overdue_to(connection, ids, on) if asks_overdue else {}
    found: list[Alert] = []
    for household in households:
        circumstances = Circumstances(
            household,
            incomes[household.id],
            strictest(lines, household.village_code),
            self_paid.get(household.id, 0),
            enrolled.get(household.id),
            above.get(household.id, 0),
            away.get(household.id, (0, 0)),
            lapsed.get(household.id),
            beyond.get(household.id),
            unchecked[household.id],
            late.get(household.id),
            heads.get(household.id, 0),
            sharing.get(household.id, 0),
            early.get(household.id),
            overdue.get(household.id, ()),
            on,
        )
        judged = ((rule, JUDGES[rule](circumstances)) for rule in sorted(rules))
        found += [Alert(household, rule, figures) for rule, figures in judged if figures is not None]
    return found


class MissingLine(NamedTuple):
    """A province whose households cannot be judged by a line: none is set for the year in which the window ends."""

    province: str
    year: int
    households: int


def missing_lines(session: orm.Session, actor: Actor, *, region_code: str, on: date) -> list[MissingLine]:
    """Return the provinces of a region without a line over some of their households, with how many of these."""
    window = rolling_year(on)
    lines = lines_of(session, window.end.year)
    without: Counter[str] = Counter()
    for county, households in counts_by_county(session.connection(), actor, region_code=region_code, on=on):
        if strictest(lines, county) is None:
            without[county[:2]] += households
    return [MissingLine(province, window.end.year, households) for province, households in sorted(without.items())]
