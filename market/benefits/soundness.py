"""What makes the body of a plan sound: its mechanisms, its prices and its pools; pure."""

from market import money
from market.benefits.refusals import PlanBodyError
from market.benefits.rules import (
    CONTRIBUTED,
    MEASURES_IN,
    MECHANISMS,
    Basis,
    Mechanism,
    Payee,
    PlanBody,
    Pool,
    PriceTerms,
    Pricing,
)
from market.money import WHOLE_BP


def check_body(body: PlanBody) -> None:
    """Raise `PlanBodyError` unless the body is sound: known bases, one pool a mechanism, at most the whole line."""
    if not body.lot_mechanisms and not body.pools:
        raise PlanBodyError(reason="it benefits nobody", reason_zh="方案未包含任何带农机制")
    if len(set(body.lot_mechanisms)) < len(body.lot_mechanisms):
        raise PlanBodyError(
            reason="a mechanism is listed twice", reason_zh="同一机制出现两次", pointer="/lot_mechanisms"
        )
    if any(MECHANISMS[mechanism].basis not in CONTRIBUTED for mechanism in body.lot_mechanisms):
        raise PlanBodyError(
            reason="a pool mechanism is listed as a lot mechanism", reason_zh="机制类型不符", pointer="/lot_mechanisms"
        )
    if len({pool.mechanism for pool in body.pools}) < len(body.pools):
        raise PlanBodyError(reason="one mechanism has two pools", reason_zh="同一机制出现两次", pointer="/pools")
    of_proceeds = sum(terms.bp or 0 for terms in body.terms if terms.pricing is Pricing.PROCEEDS)
    if of_proceeds + sum(pool.bp for pool in body.pools) > WHOLE_BP:
        raise PlanBodyError(
            reason="the pools and the consigned proceeds exceed 100 % of the line",
            reason_zh="各池与代销所得合计超过 100 %",
            pointer="/pools",
        )
    _check_terms(body)
    for index, pool in enumerate(body.pools):
        _check_pool(pool, f"/pools/{index}")


def _check_terms(body: PlanBody) -> None:
    """Raise `PlanBodyError` unless each mechanism is priced once, in a way that it and its units allow."""
    if len({terms.mechanism for terms in body.terms}) < len(body.terms):
        raise PlanBodyError(
            reason="one mechanism is priced twice", reason_zh="同一机制有两种计价方式", pointer="/terms"
        )
    unpriced = [each for each in body.lot_mechanisms if MECHANISMS[each].basis is Basis.PROCEEDS]
    if set(unpriced) - {terms.mechanism for terms in body.terms}:
        raise PlanBodyError(
            reason="it does not say what part of the proceeds is the household's",
            reason_zh="未写明代销所得归农户的比例",
            pointer="/terms",
        )
    for index, terms in enumerate(body.terms):
        pointer = f"/terms/{index}"
        allowed = MECHANISMS[terms.mechanism]
        if terms.mechanism not in body.lot_mechanisms:
            reason = "it prices a mechanism that it does not list"
            raise PlanBodyError(reason=reason, reason_zh="所计价的机制未列入方案", pointer=f"{pointer}/mechanism")
        if terms.pricing not in allowed.pricings:
            reason = "this mechanism is not priced in this way"
            raise PlanBodyError(reason=reason, reason_zh="该机制不适用此计价方式", pointer=f"{pointer}/pricing")
        if fault := _fault_of(terms):
            figure, reason, reason_zh = fault
            raise PlanBodyError(reason=reason, reason_zh=reason_zh, pointer=f"{pointer}/{figure}")
        if terms.unit is not None and not set(MEASURES_IN[terms.unit]) & set(allowed.measures):
            reason = "this mechanism is not measured in this unit"
            raise PlanBodyError(reason=reason, reason_zh="该机制不以此单位计量", pointer=f"{pointer}/unit")


_PER_UNIT = ("unit", "least_fen", "most_fen")


def _fault_of(terms: PriceTerms) -> tuple[str, str, str] | None:
    """Return the figure at fault, and why: the pricing has no use for it, lacks it, or it is impossible."""
    of_proceeds = terms.pricing in {Pricing.MARKET_PLUS, Pricing.PROCEEDS}
    useless = _PER_UNIT if of_proceeds else ("bp", "most_fen") if terms.pricing is Pricing.FLOOR else ("bp",)
    for figure in useless:
        if getattr(terms, figure) is not None:
            reason = f"leave `{figure}` out: pricing `{terms.pricing}` has no use for it"
            return figure, reason, f"请去掉 `{figure}`:计价方式 `{terms.pricing}` 不使用该项"
    needed = ("bp",) if of_proceeds else ("unit", "least_fen") if terms.pricing is Pricing.FLOOR else ("unit",)
    for figure in needed:
        if getattr(terms, figure) is None:
            return (
                figure,
                f"pricing `{terms.pricing}` needs `{figure}`",
                f"计价方式 `{terms.pricing}` 须填写 `{figure}`",
            )
    return _impossible(terms, of_proceeds=of_proceeds)


def _impossible(terms: PriceTerms, *, of_proceeds: bool) -> tuple[str, str, str] | None:
    """Return what cannot be of the figures that are said."""
    if of_proceeds:
        if not 0 < (terms.bp or 0) <= WHOLE_BP:
            return "bp", f"`bp` lies between 1 and {WHOLE_BP}", f"`bp` 须在 1 至 {WHOLE_BP} 之间"
        return None
    least, most = terms.least_fen, terms.most_fen
    if least is None and most is None:
        return "least_fen", "an agreed price needs `least_fen` or `most_fen`", "议定价格须有 `least_fen` 或 `most_fen`"
    lowest, highest = (1 if least is None else least), (money.MAX_FEN if most is None else most)
    if not 0 < lowest <= highest:
        return "least_fen", "the price lies above zero, its least not above its most", "价格须大于零,且下限不高于上限"
    return None


def _check_pool(pool: Pool, pointer: str) -> None:
    basis = MECHANISMS[pool.mechanism].basis
    if basis in CONTRIBUTED:
        raise PlanBodyError(
            reason="a lot mechanism is listed as a pool", reason_zh="机制类型不符", pointer=f"{pointer}/mechanism"
        )
    if basis is Basis.PERIOD and not pool.kept:
        raise PlanBodyError(
            reason="what a period's distribution decides is kept until then",
            reason_zh="按期分配的机制须设为留存池",
            pointer=f"{pointer}/kept",
        )
    if pool.kept and MECHANISMS[pool.mechanism].payee is Payee.COLLECTIVE:
        raise PlanBodyError(
            reason="a collective's part is its own at once; it gives it on by its own list",
            reason_zh="村集体的部分即时归其所有,由其按自己的名单再分配,不得留存",
            pointer=f"{pointer}/kept",
        )
    if pool.kept and (pool.shares or pool.assisted_only):
        raise PlanBodyError(
            reason="a kept pool names its payees when it is distributed, not before",
            reason_zh="留存池在分配时才确定收款方",
            pointer=f"{pointer}/shares" if pool.shares else f"{pointer}/assisted_only",
        )
    if pool.bp <= 0:
        raise PlanBodyError(reason="a pool is empty", reason_zh="资金池比例须大于零", pointer=f"{pointer}/bp")
    if pool.reserve_bp is not None and not (pool.mechanism is Mechanism.PATRONAGE and 0 <= pool.reserve_bp < WHOLE_BP):
        raise PlanBodyError(
            reason="a reserve is a part of the surplus that is returned by volume, never all of it",
            reason_zh="公积金仅可从按交易量返还的盈余中提取,且不得全部提取",
            pointer=f"{pointer}/reserve_bp",
        )
    keys = {key for key, _ in pool.shares}
    if len(keys) < len(pool.shares) or any(weight < 0 for _, weight in pool.shares):
        raise PlanBodyError(
            reason="a payee is listed twice or has a negative weight",
            reason_zh="份额名单有误",
            pointer=f"{pointer}/shares",
        )
