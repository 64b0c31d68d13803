"""A version of a plan is simulated before it is decided: a year of past acceptances, who would gain and who lose."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Kind
from market.attribution.simulating import Simulation, Tally, tally
from market.benefits.models import Plan, PlanVersion
from market.benefits.rules import Mechanism, PlanBody, PlanStatus, Pool, PriceTerms, Pricing
from market.benefits.soundness import check_body
from market.distributions.simulations import simulate
from market.errors import NotFoundError
from market.households.models import HouseholdStatusPeriod
from market.households.rules import HouseholdStatus
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.lots import opening, registering
from market.quantities import MeasuredIn
from tests import factories
from tests.attribution.dealings import close_march
from tests.story import NOON, TODAY, Story, open_channels


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


BOUGHT = (Mechanism.ORDER_PURCHASE,)


def proposed(
    story: Story, *pools: Pool, lot_mechanisms: Sequence[Mechanism] = BOUGHT, terms: Sequence[PriceTerms] = ()
) -> PlanVersion:
    """A version of the story's plan that is before the county."""
    plan = story.session.get_one(Plan, story.product.plan_id)
    number = story.session.scalars(sa.select(sa.func.max(PlanVersion.number)).filter_by(plan_id=plan.id)).one() + 1
    body = PlanBody(lot_mechanisms, pools, terms)
    check_body(body)
    return factories.plan_version(story.session, plan, number=number, body=body, status=PlanStatus.SUBMITTED)


def dividend(bp: int, shares: Sequence[tuple[UUID, int]], *, assisted_only: bool = False) -> Pool:
    return Pool(Mechanism.SHARE_DIVIDEND, bp, tuple((str(payee), weight) for payee, weight in shares), assisted_only)


def found(story: Story, version: PlanVersion, *, today: date = TODAY, actor: Actor | None = None) -> Simulation:
    simulation = simulate(story.session, actor or story.clerk, version_id=version.id, today=today).simulation
    for side in ("before_fen", "after_fen"):
        assert sum(getattr(part, side) for part in simulation.parts) == simulation.net_fen
    return simulation


def figures(simulation: Simulation) -> dict[tuple[str, UUID, str | None], tuple[int, int, int]]:
    return {
        (part.recipient.kind.value, part.recipient.owner_id, part.recipient.mechanism): (
            part.before_fen,
            part.after_fen,
            part.difference_fen,
        )
        for part in simulation.parts
    }


def test_two_past_orders_go_through_the_new_pools_beside_what_was_posted(session: orm.Session) -> None:
    village = factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE)
    wang, li = (factories.household(session).id for _ in range(2))
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, [(wang, 1), (li, 1)])])
    zhao = story.household().id
    story.lot(100_000, {zhao: 3_000})
    story.sell("10")
    story.sell("5")
    kept = Pool(Mechanism.PATRONAGE, 500, (), kept=True)
    to_village = Pool(Mechanism.COLLECTIVE_DIVIDEND, 200, ((str(village.id), 1),))
    simulation = found(story, proposed(story, dividend(1_000, [(wang, 3), (li, 1)]), kept, to_village))
    supplier = story.supplier.id
    assert (simulation.lines, simulation.net_fen) == (2, 15_000)
    assert figures(simulation) == {
        ("retained", supplier, None): (13_050, 12_000, -1_050),
        ("household", li, None): (750, 375, -375),
        ("household", zhao, None): (450, 1_200, 750),
        ("collective", village.id, None): (0, 300, 300),
        ("household", wang, None): (750, 1_125, 375),
    }
    assert [part.difference_fen for part in simulation.parts] == [-1_050, -375, 300, 375, 750]
    assert tally(simulation.of(Kind.HOUSEHOLD)) == Tally(2, 1_125, 1, 375, 0)
    assert tally(simulation.of(Kind.COLLECTIVE)) == Tally(1, 300, 0, 0, 0)


def test_the_same_pools_again_change_nobody_by_a_fen(session: orm.Session) -> None:
    payees = [(factories.household(session).id, weight) for weight in (1, 1, 5)]
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 777, payees)], price_fen=333)
    story.lot(100_000, {payees[0][0]: 7_001})
    for quantity in ("1", "2", "3", "7"):
        story.sell(quantity)
    simulation = found(story, proposed(story, dividend(777, payees)))
    assert simulation.net_fen == 13 * 333
    assert {part.difference_fen for part in simulation.parts} == {0}


def test_what_came_back_is_on_neither_side(session: orm.Session) -> None:
    wang = factories.household(session).id
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, [(wang, 1)])])
    story.lot(100_000)
    version = proposed(story, dividend(2_000, [(wang, 1)]))
    story.give_back(story.sell("10"), "10")
    assert found(story, version).parts == []
    story.give_back(story.sell("10"), "4")
    simulation = found(story, version)
    assert (simulation.lines, simulation.net_fen) == (2, 6_000)
    assert figures(simulation)["household", wang, None] == (600, 1_200, 600)


def test_what_was_cut_of_the_price_is_on_neither_side(session: orm.Session) -> None:
    wang = factories.household(session).id
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, [(wang, 1)])])
    story.lot(100_000)
    version = proposed(story, dividend(2_000, [(wang, 1)]))
    story.cut(story.sell("10"), 4_000)
    simulation = found(story, version)
    assert simulation.net_fen == 6_000
    assert figures(simulation)["household", wang, None] == (600, 1_200, 600)


def test_an_acceptance_that_was_recorded_late_is_judged_by_its_own_day(session: orm.Session) -> None:
    """Accepted in March, recorded when March was closed, so posted in April; Li left the register in between."""
    wang, li = (factories.household(session) for _ in range(2))
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, [(wang.id, 1), (li.id, 1)])])
    story.lot(100_000)
    close_march(session)
    story.sell("10", on=date(2026, 3, 5))
    li.departed_on = date(2026, 4, 1)
    session.flush()
    version = proposed(story, dividend(1_000, [(wang.id, 1), (li.id, 1)]))
    assert {part.difference_fen for part in found(story, version, today=date(2026, 5, 1)).parts} == {0}
    assert found(story, version, today=date(2027, 3, 4)).lines == 1
    assert found(story, version, today=date(2027, 3, 5)).lines == 0


def test_the_same_version_again_changes_nobody_whatever_came_back_and_was_sold_anew(session: orm.Session) -> None:
    story = Story(session, price_fen=777)
    households = [story.household().id for _ in range(3)]
    story.lot(20_000, dict(zip(households, (3_333, 5_001, 7), strict=True)))
    story.consign(30_000, {households[0]: 11_000, households[1]: 12_000}, others_milli=7_000)
    for quantity in ("3", "7", "11"):
        story.give_back(story.sell(quantity), "2")
    story.sell("13", "9")
    terms = PriceTerms(Mechanism.CONSIGNMENT, Pricing.PROCEEDS, bp=9_000)
    simulation = found(story, proposed(story, lot_mechanisms=(*BOUGHT, Mechanism.CONSIGNMENT), terms=[terms]))
    assert (simulation.lines, simulation.untold) == (5, 0)
    assert {part.difference_fen for part in simulation.parts} == {0}
    assert len(simulation.of(Kind.HOUSEHOLD)) == 3


@pytest.mark.parametrize(
    ("terms", "due_fen", "untold"),
    [
        (PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.MARKET_PLUS, bp=1_000), 550, 0),
        (PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.FLOOR, unit=MeasuredIn.JIN, least_fen=300), 600, 0),
        (PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.FIXED), 525, 0),
        (PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.FIXED, unit=MeasuredIn.PIECE, least_fen=900), 525, 1),
    ],
)
def test_what_households_gave_is_priced_by_the_version(
    session: orm.Session, terms: PriceTerms, due_fen: int, untold: int
) -> None:
    """100 kg were bought at 5.25 yuan, the market's 5.00 and 5 %; a tenth is sold at 10 yuan a kg."""
    story = Story(session)
    wang = story.household()
    lot = factories.lot(session, story.product, quantity_milli=100_000)
    factories.contribution(session, lot, wang, measure_milli=100_000, unit_price_fen=525, market_price_fen=500)
    story.sell("10")
    stated = () if terms.least_fen is None and terms.bp is None else [terms]
    simulation = found(story, proposed(story, dividend(1_000, [(wang.id, 1)]), terms=stated))
    assert simulation.untold == untold
    assert figures(simulation)["household", wang.id, None][:2] == (5_250, 10 * due_fen + 1_000)
    assert simulation.of(Kind.RETAINED)[0].difference_fen == 10 * (525 - due_fen) - 1_000


def test_where_no_market_price_was_recorded_a_price_by_the_market_cannot_be_told(session: orm.Session) -> None:
    story = Story(session)
    wang = story.household().id
    story.lot(10_000, {wang: 6_000})
    story.sell("10")
    terms = PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.MARKET_PLUS, bp=500)
    simulation = found(story, proposed(story, terms=[terms]))
    assert simulation.untold == 1
    assert figures(simulation)["household", wang, None] == (6_000, 6_000, 0)


def test_what_a_line_does_not_bring_no_price_brings(session: orm.Session) -> None:
    story = Story(session)
    wang = story.household()
    lot = factories.lot(session, story.product, quantity_milli=10_000)
    factories.contribution(session, lot, wang, unit_price_fen=900, market_price_fen=800)
    story.sell("10")
    terms = PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.MARKET_PLUS, bp=5_000)
    simulation = found(story, proposed(story, terms=[terms]))
    assert (simulation.topped_up_fen, simulation.top_up_fen) == (0, 2_000)
    assert figures(simulation) == {
        ("household", wang.id, None): (9_000, 10_000, 1_000),
        ("retained", story.supplier.id, None): (1_000, 0, -1_000),
    }


def test_a_version_that_drops_a_mechanism_shows_who_would_go_without(session: orm.Session) -> None:
    story = Story(session)
    wang, li, zhao = (story.household() for _ in range(3))
    lot, _ = story.lot(10_000, {wang.id: 5_000})
    factories.contribution(session, lot, li, mechanism=Mechanism.LABOUR, amount_fen=2_000)
    story.sell("10")
    story.consign(10_000, {zhao.id: 10_000})
    story.sell("10")
    simulation = found(story, proposed(story))
    households = {part.recipient.owner_id: part.difference_fen for part in simulation.of(Kind.HOUSEHOLD)}
    assert households == {wang.id: 0, li.id: -2_000, zhao.id: -9_000}
    assert simulation.of(Kind.RETAINED)[0].difference_fen == 11_000


def test_who_consigned_has_the_version_s_part_of_the_proceeds(session: orm.Session) -> None:
    story = Story(session)
    wang = story.household().id
    story.consign(10_000, {wang: 5_000}, others_milli=5_000)
    story.sell("10")
    terms = PriceTerms(Mechanism.CONSIGNMENT, Pricing.PROCEEDS, bp=8_000)
    simulation = found(story, proposed(story, lot_mechanisms=[Mechanism.CONSIGNMENT], terms=[terms]))
    assert figures(simulation)["household", wang, None] == (4_500, 4_000, -500)


def test_what_was_given_under_another_plan_stays_as_it_was(session: orm.Session) -> None:
    """Fruit is bought under its own plan; the version is of the plan of the juice that is made of it."""
    story = Story(session)
    wang = story.household()
    fruit = factories.lot(session, factories.product(session, story.supplier), quantity_milli=20_000)
    factories.contribution(session, fruit, wang, measure_milli=20_000, amount_fen=6_000)
    juice = registering.register_lot(
        session,
        story.clerk,
        product_id=story.product.id,
        quantity_milli=10_000,
        loss_milli=10_000,
        measured_in=MeasuredIn.KG,
        produced_on=TODAY,
        expires_on=None,
        origin_code=story.product.origin_code,
        inputs=[(fruit.id, 20_000)],
        now=NOON,
    )
    manager = factories.actor(session, factories.member(session, story.supplier, Role.SUPPLIER_MANAGER))
    opening.open_lot(session, manager, lot_id=juice.id, now=NOON)
    story.sell("5")
    version = proposed(story, lot_mechanisms=[Mechanism.LABOUR])
    assert figures(found(story, version))["household", wang.id, None] == (3_000, 3_000, 0)


def test_a_year_is_365_days_today_included(session: orm.Session) -> None:
    story = Story(session)
    story.lot(100_000)
    story.sell("10")
    version = proposed(story)
    assert found(story, version, today=TODAY - timedelta(days=1)).lines == 0
    assert found(story, version, today=TODAY + timedelta(days=364)).lines == 1
    assert found(story, version, today=TODAY + timedelta(days=365)).lines == 0


def test_only_acceptances_under_versions_of_the_plan_count(session: orm.Session) -> None:
    story = Story(session)
    story.lot(100_000)
    story.sell("10")
    story.product = factories.product(session, story.supplier, tax_bp=0)
    story.lot(100_000)
    story.sell("5")
    simulation = found(story, proposed(story))
    assert (simulation.lines, simulation.net_fen, simulation.of_other_plans) == (1, 5_000, False)


def test_a_plan_under_which_nothing_was_sold_is_simulated_on_all_that_its_supplier_sold(session: orm.Session) -> None:
    wang = factories.household(session).id
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 6_000, [(wang, 1)])])
    zhao = story.household().id
    story.lot(100_000, {zhao: 30_000})
    story.sell("10")
    new = factories.plan(session, story.supplier, status=PlanStatus.DRAFT)
    dear = PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.FLOOR, unit=MeasuredIn.KG, least_fen=1_000)
    poor = PlanBody(BOUGHT, (dividend(100, [(wang, 1)]),), (dear,))
    version = factories.plan_version(session, new, number=2, body=poor, status=PlanStatus.SUBMITTED)
    simulation = found(story, version)
    assert (simulation.lines, simulation.of_other_plans) == (1, True)
    assert figures(simulation) == {
        ("household", wang, None): (6_000, 0, -6_000),
        ("household", zhao, None): (3_000, 10_000, 7_000),
        ("retained", story.supplier.id, None): (1_000, 0, -1_000),
    }
    assert not found(story, proposed(story)).of_other_plans


def test_a_pool_pays_who_was_eligible_on_the_day_of_the_acceptance(session: orm.Session) -> None:
    poor, ordinary, gone, later = (factories.household(session) for _ in range(4))
    for household, since in ((ordinary, TODAY), (later, TODAY + timedelta(days=1))):
        session.add(HouseholdStatusPeriod(household_id=household.id, valid_from=since, status=HouseholdStatus.ORDINARY))
    gone.departed_on = TODAY
    session.flush()
    story = Story(session)
    story.lot(100_000)
    story.sell("10")
    everybody = [(household.id, 1) for household in (poor, ordinary, gone, later)]
    simulation = found(story, proposed(story, dividend(1_000, everybody, assisted_only=True)))
    paid = {part.recipient.owner_id: part.after_fen for part in simulation.of(Kind.HOUSEHOLD)}
    assert paid == {poor.id: 500, later.id: 500}


def test_a_pool_of_nobody_would_wait_in_suspense_and_pools_never_take_what_lots_released(session: orm.Session) -> None:
    story = Story(session)
    zhao = story.household().id
    story.lot(100_000, {zhao: 60_000})
    story.sell("10")
    simulation = found(story, proposed(story, dividend(5_000, [])))
    assert figures(simulation) == {
        ("household", zhao, None): (6_000, 6_000, 0),
        ("retained", story.supplier.id, None): (4_000, 0, -4_000),
        ("suspense", story.supplier.id, "share_dividend"): (0, 4_000, 4_000),
    }


def test_the_county_that_decides_and_the_auditor_see_it_and_strangers_do_not(session: orm.Session) -> None:
    story = Story(session)
    version = proposed(story)

    def reviewer(region_code: str, scope: Scope = Scope.REGION) -> Actor:
        body = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT, region_code=region_code)
        return factories.actor(session, factories.member(session, body, Role.COUNTY_REVIEWER), scope)

    assert found(story, version, actor=reviewer("141122")).lines == 0
    assert found(story, version, actor=reviewer("141130", Scope.ALL)).lines == 0
    stranger = factories.actor(session, factories.member(session, factories.organisation(session)))
    for who in (reviewer("141130"), stranger):
        with pytest.raises(NotFoundError):
            found(story, version, actor=who)


@pytest.mark.parametrize("orders", [1, 6])
def test_a_year_costs_eighteen_statements_whatever_it_brought_and_writes_nothing(
    session: orm.Session, orders: int
) -> None:
    payees = [(factories.household(session).id, 1) for _ in range(3)]
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, payees)])
    story.lot(100_000)
    for _ in range(orders):
        story.sell("3")
    version_id = proposed(story, dividend(1_000, payees)).id
    session.flush()
    session.expire_all()
    clerk = story.clerk
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", count)
    simulate(session, clerk, version_id=version_id, today=TODAY)
    sa.event.remove(connection, "before_cursor_execute", count)
    assert len(statements) == 18
    assert all(statement.lstrip().startswith(("SELECT", "SET LOCAL")) for statement in statements)
