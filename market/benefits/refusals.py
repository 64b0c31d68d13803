"""What plans, and who takes part in them, are refused for."""

from market.errors import MarketError


class PlanBodyError(MarketError):
    """The plan cannot be carried out as written."""

    en = "The plan is not sound: {reason}."
    zh = "方案不成立:{reason_zh}。"


class PlanNotSimulatedError(MarketError):
    """A version is approved only when it has been told who would have gained and lost by it."""

    status = 409
    en = (
        "Nobody has simulated this version since it was submitted. Ask POST /v1/plan-versions/{version}/simulations,"
        " and read who would gain and who would lose."
    )
    zh = "该方案版本提交后尚未测算。请先调用 POST /v1/plan-versions/{version}/simulations,查看哪些农户增收、哪些减收。"


class NotEnrolledError(MarketError):
    """A household takes part only after a village clerk confirmed its enrolment."""

    en = "This household{household} is not enrolled with this supplier and confirmed by its village."
    zh = "该农户{household}尚未与该供应商建立经村确认的联结关系。"


class NotCollectiveError(MarketError):
    """A collective's pool is paid to the village's own economic organisation, nobody else."""

    en = "This payee{organisation} is no village collective."
    zh = "该收款方{organisation}不是村集体经济组织。"


class CollectiveElsewhereError(MarketError):
    """A supplier shares with the villages of its own county, where its households are."""

    en = "This payee{organisation} is a village collective of another county than the supplier."
    zh = "该收款方{organisation}是其他县的村集体,须为供应商所在县的村集体。"


class PlanNameTakenError(MarketError):
    """One name, one plan of a supplier; a change is a new version."""

    status = 409
    en = "You already have a plan named {name}; draft a new version of it."
    zh = "已有名为 {name} 的方案,请起草新版本。"
