"""What is wrong, or odd, about a file of the register: against its places, the register and the people on it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import orm

from market.households import continuing, keys, people
from market.households.models import Household, Person
from market.households.queries import Home
from market.households.register_file import HouseholdInFile, Remark, accounts_of
from market.households.removal import MonitoringContinuesError, check_continued
from market.households.rules import Column, PersonalField
from market.households.vault import Vault
from market.identity.rules import Actor, Scope
from market.regions.models import Region


def of_places(session: orm.Session, actor: Actor, told: Sequence[HouseholdInFile]) -> Iterator[Remark]:
    """Tell of villages that are not the actor's, or did not exist on the day."""
    codes = {household.village_code for household in told}
    known: dict[str, list[Region]] = {}
    for region in session.scalars(sa.select(Region).where(Region.code.in_(codes))):
        known.setdefault(region.code, []).append(region)
    for household in told:
        day, code = household.registered_on, household.village_code
        if actor.scope is not Scope.ALL and not code.startswith(actor.region_code):
            said = "the village lies outside your region", "该村不在您的辖区内"
        elif not any(
            region.valid_from <= day and (region.valid_until is None or region.valid_until > day)
            for region in known.get(code, ())
        ):
            said = "there was no such village on the day of registration", "登记日期当日没有该村"
        else:
            continue
        yield Remark(household.row, Column.VILLAGE_CODE, said)


def of_register(actor: Actor, told: Sequence[HouseholdInFile], there: Mapping[str, Home]) -> Iterator[Remark]:
    """Tell of households that cannot be written to."""
    for household in told:
        home = there.get(household.code)
        if home is None:
            continue
        if actor.scope is not Scope.ALL and not home.household.village_code.startswith(actor.region_code):
            yield Remark(household.row, Column.HOUSEHOLD_CODE, ("the code is taken elsewhere", "该户编号已被他处使用"))
        elif home.household.departed_on is not None:
            yield Remark(
                household.row, Column.HOUSEHOLD_CODE, ("the household has left the register", "该户已退出登记册")
            )
        elif home.key is not None and home.key.wrapped is None:
            yield Remark(
                household.row, Column.HOUSEHOLD_CODE, ("the household's data were erased", "该户个人信息已删除")
            )


def of_people(
    session: orm.Session, vault: Vault, told: Sequence[HouseholdInFile], there: Mapping[str, Home]
) -> Iterator[Remark]:
    """Tell of people who are in another household, and of those whose monitoring a household does not go on with."""
    keys.check_keyring(session, vault)
    rows = {
        people.index_of(vault, PersonalField.RESIDENT_ID, resident_id): (household, number)
        for household in told
        for number, person in household.people.items()
        if (resident_id := person.get(PersonalField.RESIDENT_ID))
    }
    taken = session.execute(
        sa.select(Person.resident_id_index, Household.code)
        .join(Household, Household.id == Person.household_id)
        .where(Person.resident_id_index.in_(rows), Person.departed_on.is_(None))
    )
    coming = dict(rows)
    for index, code in taken:
        household, number = coming.pop(index or b"")
        if code != household.code:
            said = "is on the register in another household", "该身份证号码已登记在他户"
            yield Remark(number, PersonalField.RESIDENT_ID, said)
    yield from _of_monitoring(session, {index: household for index, (household, _) in coming.items()}, there)


def _of_monitoring(
    session: orm.Session, coming: Mapping[bytes, HouseholdInFile], there: Mapping[str, Home]
) -> Iterator[Remark]:
    """Tell of households that take up people out of another that left while monitored, and do not go on with it."""
    lefts: dict[str, list[continuing.Left]] = defaultdict(list)
    for index, found in continuing.left_of(session, coming).items():
        lefts[coming[index].code] += found
    known = continuing.periods_of(session, [there[code].household.id for code in lefts if code in there])
    for household in {each.code: each for each in coming.values() if each.code in lefts}.values():
        home = there.get(household.code)
        periods = known[home.household.id] if home else []
        plain = continuing.plain(periods) if home else [(household.status, household.registered_on)]
        try:
            check_continued(plain, continuing.continued(lefts[household.code], periods))
        except MonitoringContinuesError as refused:
            yield Remark(household.row, Column.STATUS, (refused.detail("en"), refused.detail("zh")))


def odd_regions(session: orm.Session, told: Sequence[HouseholdInFile]) -> Iterator[Remark]:
    """Tell of resident IDs that begin with no county known here; it may have been another's when the ID was given."""
    counties = {
        number: resident_id[:6]
        for household in told
        for number, person in household.people.items()
        if (resident_id := person.get(PersonalField.RESIDENT_ID))
    }
    known = set(session.scalars(sa.select(Region.code).where(Region.code.in_(set(counties.values())))))
    for number, county in counties.items():
        if county not in known:
            said = "begins with a county that is not on the list of regions", "前六位不在行政区划表中"
            yield Remark(number, PersonalField.RESIDENT_ID, said)


def odd_accounts(session: orm.Session, vault: Vault, told: Sequence[HouseholdInFile]) -> Iterator[Remark]:
    """Tell of bank accounts of several households, in the file or with the register."""
    accounts = accounts_of(told)
    indexes = {
        people.index_of(vault, PersonalField.BANK_ACCOUNT, account): codes for account, codes in accounts.items()
    }
    owners: dict[bytes, set[str]] = {}
    for index, code in session.execute(
        sa.select(Person.bank_account_index, Household.code)
        .join(Household, Household.id == Person.household_id)
        .where(Person.bank_account_index.in_(indexes), Person.departed_on.is_(None))
    ):
        owners.setdefault(index or b"", set()).add(code)
    for index, codes in indexes.items():
        if len(owners.get(index, set()) | codes.keys()) > 1:
            for row in codes.values():
                yield Remark(
                    row, PersonalField.BANK_ACCOUNT, ("several households have this account", "多户共用该银行账号")
                )
