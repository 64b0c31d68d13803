"""The words for what the API writes as a code: every sentence to a person takes them from here, in either language.

A table for each fact that a sentence names (`market.errors`); statuses and events are those of a machine. A code
without a word here (a channel of another scheme, say) is shown as it is.
"""

from collections.abc import Iterable, Mapping

from market.benefit_words import (
    ANNULMENT_EVENTS,
    ANNULMENT_STATUSES,
    DISTRIBUTION_EVENTS,
    DISTRIBUTION_STATUSES,
    VERSION_EVENTS,
    VERSION_STATUSES,
)
from market.money import yuan
from market.payment_words import (
    CALL_STATUSES,
    DECISIONS,
    EVENT_STATUSES,
    MATCHING_STATUSES,
    MONEY_FOUR_EYES,
    MONEY_THINGS,
    ONLINE_STATUSES,
    PRICE_CUTS,
    REFUND_EVENTS,
    REFUND_STATUSES,
    SETTLEMENT_EVENTS,
    SETTLEMENT_STATUSES,
)
from market.permission_words import PERMISSIONS

Words = Mapping[str, tuple[str, str]]
"""Code → the English and the Chinese word."""

UNITS: Words = {
    "kg": ("kg", "千克"),
    "g": ("g", "克"),
    "t": ("tonnes", "吨"),
    "jin": ("jin (500 g)", "斤"),
    "liang": ("liang (50 g)", "两"),
    "piece": ("pieces", "件"),
    "box": ("boxes", "箱"),
    "hour": ("hours", "小时"),
    "mu": ("mu", "亩"),
}

THINGS: Words = {
    **MONEY_THINGS,
    "account_item": ("item of a household's account", "农户收支记录"),
    "api_key": ("API key", "API 密钥"),
    "application": ("application", "认定申请"),
    "baseline": ("baseline", "增收基线"),
    "buyer": ("buyer", "采购单位"),
    "certificate": ("certificate", "认定证书"),
    "channel": ("channel", "渠道"),
    "channel_scheme": ("channel scheme", "渠道方案"),
    "consent": ("consent", "同意书"),
    "contribution": ("contribution", "投入"),
    "disbursement": ("disbursement", "兑付批次"),
    "enrolment": ("enrolment", "联结登记"),
    "erasure": ("erasure", "删除申请"),
    "evidence": ("evidence file", "凭证文件"),
    "household": ("household", "农户"),
    "lot": ("lot", "批次"),
    "member": ("member", "成员"),
    "objection": ("objection", "异议"),
    "order": ("order", "订单"),
    "organisation": ("organisation", "单位"),
    "pay_list": ("list of payments", "兑付清单"),
    "payment": ("payment", "兑付"),
    "person": ("person", "人员"),
    "plan": ("benefit plan", "联农带农方案"),
    "plan_version": ("version of the plan", "方案版本"),
    "register": ("register", "名册"),
    "register_version": ("version of the register", "名册版本"),
    "distribution": ("distribution", "按期分配"),
    "annulment": ("annulment", "撤销"),
    "second_distribution": ("second distribution", "二次分配"),
    "product": ("product", "产品"),
    "receipt": ("receipt", "到款"),
    "region": ("region of yours", "本辖区内的行政区划"),
    "supplier": ("supplier", "供应商"),
}

ORDER_STATUSES: Words = {
    "placed": ("placed", "已下单"),
    "confirmed": ("confirmed", "已确认"),
    "shipped": ("shipped", "已发货"),
    "partly_accepted": ("accepted in part", "部分验收"),
    "accepted": ("accepted", "已验收"),
    "declined": ("declined", "已拒单"),
    "cancelled": ("cancelled", "已取消"),
    "expired": ("expired", "已过期"),
}
CERTIFICATE_STATUSES: Words = {
    "valid": ("valid", "有效"),
    "suspended": ("suspended", "已暂停"),
    "revoked": ("revoked", "已撤销"),
}

CHANNELS: Words = {
    "canteen": ("into canteens", "进食堂"),
    "city": ("into cities", "进城市"),
    "market": ("into markets", "进市场"),
    "online": ("online", "进网络"),
    "scenic": ("into scenic areas", "进景区"),
    "workshop": ("into workshops", "进车间"),
    "household": ("into homes", "进家庭"),
}

KINDS: Words = {
    "cooperative": ("cooperative", "农民专业合作社"),
    "agri_enterprise": ("agricultural enterprise", "农业企业"),
    "family_farm": ("family farm", "家庭农场"),
    "village_collective": ("village collective", "村集体经济组织"),
    "trading_agent": ("trading agent", "代理商"),
    "budget_unit": ("budget unit", "预算单位"),
    "school": ("school", "学校"),
    "hospital": ("hospital", "医院"),
    "firm": ("firm", "企业"),
    "trade_union": ("trade union", "工会"),
    "exhibition_hall": ("exhibition hall", "展销馆"),
    "supermarket": ("supermarket", "商超"),
    "online_shop": ("online shop", "网店"),
    "scenic_area": ("scenic area", "景区"),
    "family": ("family", "家庭"),
    "canteen_contractor": ("canteen contractor", "食堂承包商"),
    "township_government": ("township government", "乡镇政府"),
    "agriculture_department": ("agriculture department", "农业农村部门"),
    "revitalisation_department": ("rural revitalisation department", "乡村振兴部门"),
    "finance_department": ("finance department", "财政部门"),
    "village_office": ("village office", "村委会"),
    "audit_office": ("audit office", "审计机关"),
    "platform": ("platform", "平台"),
}

ROLES: Words = {
    "supplier_clerk": ("supplier's clerk", "供应商经办员"),
    "supplier_manager": ("supplier's manager", "供应商负责人"),
    "buyer_clerk": ("buyer's clerk", "采购经办员"),
    "buyer_receiver": ("buyer's receiver", "验收员"),
    "township_reviewer": ("township reviewer", "乡镇初审员"),
    "trade_reviewer": ("trade reviewer", "行业审核员"),
    "county_reviewer": ("county reviewer", "县级审核员"),
    "village_clerk": ("village clerk", "村代办员"),
    "finance_officer": ("finance officer", "财政人员"),
    "auditor": ("auditor", "审计员"),
    "operator": ("operator", "平台运营员"),
}

EVIDENCE: Words = {
    "acceptance_note": ("acceptance note", "验收单"),
    "invoice": ("invoice", "发票"),
    "consignment_sheet": ("consignment sales sheet", "代销清单"),
    "contract": ("contract", "合同"),
    "weigh_note": ("weigh note", "过磅单"),
    "platform_order": ("the platform's order number", "平台订单号"),
    "point_of_sale_sheet": ("point-of-sale sheet", "销售小票"),
    "order_form": ("order form", "订货单"),
    "receipt": ("receipt", "收据"),
}

MECHANISMS: Words = {
    "order_purchase": ("order purchase", "订单收购"),
    "consignment": ("consignment", "代销"),
    "patronage": ("patronage", "按交易量返还"),
    "labour": ("labour", "务工"),
    "share_dividend": ("share dividend", "入股分红"),
    "land_rent": ("land rent", "土地流转"),
    "custody": ("custody", "托管代养"),
    "contracting": ("contracting", "承包经营"),
    "collective_dividend": ("collective dividend", "村集体分红"),
}
PURPOSES: Words = {
    "payment": ("payment", "兑付"),
    "identity_check": ("identity check", "核验身份"),
    "assistance": ("assistance", "走访帮扶"),
    "subject_request": ("request of the person", "本人申请"),
    "audit": ("audit", "审计"),
}
PERSONAL_FIELDS: Words = {
    "name": ("name", "姓名"),
    "resident_id": ("resident ID", "身份证号码"),
    "relation": ("relation to the head", "与户主关系"),
    "phone": ("telephone", "联系电话"),
    "bank_name": ("bank", "开户行"),
    "bank_account": ("bank account", "银行账号"),
    "health": ("health", "健康状况"),
}
CONSENTS: Words = {
    "payment_details": ("bank details for payment", "兑付所需账户信息"),
    "public_disclosure": ("public disclosure without names", "匿名公开受益情况"),
}
ITEM_KINDS: Words = {
    "wage_elsewhere": ("wage elsewhere", "外出务工工资"),
    "public_post": ("wage of a public post", "公益岗位工资"),
    "other_operating": ("other operating income", "其他生产经营收入"),
    "solar": ("solar income", "光伏收益"),
    "other_property": ("other property income", "其他财产性收入"),
    "living_allowance": ("minimum living allowance", "低保金"),
    "extreme_hardship": ("support in extreme hardship", "特困供养金"),
    "pension": ("pension", "养老金"),
    "family_planning": ("family planning subsidy", "计划生育金"),
    "ecological": ("ecological compensation", "生态补偿金"),
    "grain_to_green": ("grain for green", "退耕还林补助"),
    "farmland": ("farmland subsidy", "耕地地力保护补贴"),
    "veteran": ("veterans' allowance", "退役军人补助"),
    "disability": ("disability allowances", "残疾人两项补贴"),
    "old_age": ("old-age allowance", "高龄津贴"),
    "reservoir": ("resettlement by a reservoir", "水库移民补助"),
    "insurance_top_up": ("insurance top-up", "保险补偿"),
    "other_transfer": ("other transfer", "其他转移性收入"),
    "gift": ("one-off gift", "一次性慰问金(物)"),
    "temporary_relief": ("temporary relief", "临时救助"),
    "purpose_tied": ("purpose-tied subsidy", "专项补助"),
    "operating_expense": ("operating expense", "生产经营性支出"),
    "self_paid": ("compliant self-paid expense", "合规自付支出"),
}

FOUR_EYES: Words = {
    **MONEY_FOUR_EYES,
    "admission": ("admitting a member", "成员核准"),
    "erasure": ("erasing personal data", "删除个人信息"),
    "review": ("reviews of one application", "认定申请的各级审核"),
    "objection": ("settling an objection", "异议处理"),
    "payment_confirmation": ("confirming that a household was paid", "代农户确认到账"),
    "bank_result": ("taking over a bank's result", "银行回盘导入"),
    "cash_payment": ("paying in cash", "现金兑付"),
    "payment_reversal": ("reversing a payment", "兑付冲销"),
    "batch": ("publishing a batch", "发布认定批次"),
    "baseline": ("confirming a baseline", "增收基线确认"),
    "lot_opener_is_not_maker": ("putting a lot on sale", "批次开售"),
    "plan_version": ("deciding a benefit plan", "带农方案审批"),
    "register_version": ("deciding a share register", "名册审批"),
    "distribution": ("deciding a distribution", "按期分配审批"),
    "annulment": ("deciding an annulment", "撤销审批"),
    "second_distribution": ("deciding a second distribution", "二次分配审批"),
    "enrolment": ("confirming an enrolment", "农户联结确认"),
}
AGAIN: Words = {
    "read": ("Ask again.", "请重试。"),
    "edit": ("Read it again, and edit what you find.", "请重新读取,再作修改。"),
    "create": ("Ask again with the same Idempotency-Key.", "请以相同的 Idempotency-Key 重试。"),
}
"""How a request that failed is asked again: what was, or was not, done by it is no matter to the asker."""

WORDS: Mapping[str, Words] = {
    "again": AGAIN,
    "unit": UNITS,
    "base": UNITS,
    "what": THINGS,
    "machine": THINGS,
    "channel": CHANNELS,
    "kind": KINDS,
    "role": ROLES,
    "permission": PERMISSIONS,
    "missing": EVIDENCE,
    "mechanism": MECHANISMS,
    "item_kind": ITEM_KINDS,
    "rule": FOUR_EYES,
    "purpose": PURPOSES,
    "fields": PERSONAL_FIELDS,
    "consent": CONSENTS,
    "erasure_status": {
        "requested": ("requested", "已申请"),
        "carried_out": ("carried out", "已执行"),
        "rejected": ("rejected", "已驳回"),
    },
    "erasure_event": {"carry_out": ("carried out", "执行"), "reject": ("rejected", "驳回")},
    "order_status": ORDER_STATUSES,
    "order_event": {
        "confirm": ("confirmed", "确认"),
        "decline": ("declined", "拒单"),
        "expire": ("let expire", "作过期处理"),
        "cancel": ("cancelled", "取消"),
        "ship": ("shipped", "发货"),
        "accept_some": ("accepted in part", "部分验收"),
        "accept_all": ("accepted", "验收"),
        "return": ("returned", "退货"),
        "price_cut": ("cut the price", "折让"),
    },
    **PRICE_CUTS,
    "certificate_status": CERTIFICATE_STATUSES,
    "certificate_event": {
        "suspend": ("suspended", "暂停"),
        "reinstate": ("reinstated", "恢复"),
        "revoke": ("revoked", "撤销"),
    },
    "pay_list_status": {
        "open": ("open", "待付"),
        "settled": ("settled", "已结清"),
        "withdrawn": ("withdrawn", "已撤回"),
    },
    "pay_list_event": {
        "answer": ("answered by the bank", "登记银行回盘"),
        "countersign": ("countersigned", "会签"),
        "withdraw": ("withdrawn", "撤回"),
    },
    "product_status": {
        "draft": ("a draft", "草稿"),
        "listed": ("listed", "已上架"),
        "withdrawn": ("withdrawn", "已下架"),
    },
    "product_event": {"list": ("listed", "上架"), "withdraw": ("withdrawn", "下架")},
    "lot_status": {
        "draft": ("a draft", "草稿"),
        "open": ("on sale", "在售"),
        "held": ("held back", "已停售"),
        "discarded": ("discarded", "已作废"),
    },
    "lot_event": {
        "open": ("put on sale", "开售"),
        "discard": ("discarded", "作废"),
        "hold": ("held back", "停售"),
        "release": ("released for sale", "恢复销售"),
    },
    "baseline_status": {
        "proposed": ("proposed", "已申报"),
        "confirmed": ("confirmed", "已确认"),
        "rejected": ("rejected", "已驳回"),
    },
    "baseline_event": {
        "propose": ("proposed", "申报"),
        "confirm": ("confirmed", "确认"),
        "reject": ("rejected", "驳回"),
    },
    "plan_version_status": VERSION_STATUSES,
    "plan_version_event": VERSION_EVENTS,
    "register_version_status": VERSION_STATUSES,
    "register_version_event": VERSION_EVENTS,
    "distribution_status": DISTRIBUTION_STATUSES,
    "distribution_event": DISTRIBUTION_EVENTS,
    "annulment_status": ANNULMENT_STATUSES,
    "annulment_event": ANNULMENT_EVENTS,
    "second_distribution_status": DISTRIBUTION_STATUSES,
    "second_distribution_event": DISTRIBUTION_EVENTS,
    "online_payment_status": ONLINE_STATUSES,
    "provider_call_status": CALL_STATUSES,
    "provider_event_status": EVENT_STATUSES,
    "matching_status": MATCHING_STATUSES,
    "matching_event": DECISIONS,
    "refund_status": REFUND_STATUSES,
    "refund_event": REFUND_EVENTS,
    "settlement_status": SETTLEMENT_STATUSES,
    "settlement_event": SETTLEMENT_EVENTS,
    "objection_status": {"settled": ("settled", "已处理")},
    "objection_event": {"settle": ("settled", "再次处理")},
    "application_status": {
        "submitted": ("submitted", "已提交"),
        "township_passed": ("passed by the township", "乡镇初审通过"),
        "trade_passed": ("passed by the trade review", "行业审核通过"),
        "on_notice": ("on public notice", "公示中"),
        "cleared": ("cleared for a batch", "公示期满"),
        "listed": ("published in a batch", "已列入批次"),
        "rejected": ("rejected", "已驳回"),
    },
    "application_event": {
        "record_evidence": ("given price evidence", "登记价格举证"),
        "pass_township": ("passed by the township", "乡镇初审"),
        "pass_trade": ("passed by the trade review", "行业审核"),
        "pass_county": ("passed by the county", "县级审定"),
        "reject": ("rejected", "驳回"),
        "object": ("objected to", "提出异议"),
        "uphold_objection": ("refused for an objection", "因异议成立而驳回"),
        "dismiss_objection": ("freed of an objection", "驳回异议"),
        "end_notice": ("taken off notice", "结束公示"),
        "list": ("published in a batch", "列入批次"),
    },
}
"""Which words a fact takes, by the name of the fact."""


def said(fact: str, value: object, language: str) -> object:
    """Return a fact as a sentence in `zh` or `en` says it: fen as yuan, codes as words, several as a list."""
    if isinstance(value, tuple):
        return listed((str(said(fact, part, language)) for part in value), language)
    if fact.endswith("_fen") and isinstance(value, int):
        return yuan(value)
    pair = WORDS.get(fact, {}).get(str(value))
    return value if pair is None else pair[language == "zh"]


def listed(parts: Iterable[str], language: str) -> str:
    """Return the parts as `zh` or `en` enumerates them."""
    return ("、" if language == "zh" else ", ").join(parts)
