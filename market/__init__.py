"""The seven-into market: consumption assistance (消费帮扶) accounted to the fen.

One word per concept, in code, API and documents alike:

| word | Chinese | meaning |
|---|---|---|
| sale | 销售额 | what the buyer accepted and owes or paid |
| gross income | 毛收入 | what benefit mechanisms give a household from sales |
| net income | 纯收入 | gross income minus the household's own production expense |
| increase | 增收 | an income minus the same figure of a confirmed baseline |
| baseline | 基期 | what the same land brought before: stated by the supplier, confirmed by its county |
| account item | 收支记录 | what a household received or spent outside the market, with day, source and evidence |
| monitored | 监测对象 | unstable, marginal or in sudden hardship: watched lest it fall back into poverty |
| line | 监测线 | net income per head and year below which a region's households are warned of |
| published figure | 公布数据 | what others printed of sales: neither a sale nor an income, and never summed |
| organisation | 单位 | a body that acts: supplier, buyer, authority, auditor, operator |
| supplier | 供应商 | an organisation that sells; a cooperative is its usual kind |
| household | 农户 | a family on the register, known by its code |
| assisted | 帮扶对象 | registered poor or monitored on the day that counts; all others are ordinary |
| channel | 渠道 | one of the ways "into": canteens, cities, markets, the net, scenic areas, workshops, homes |
| plan | 联农带农方案 | a supplier's benefit plan; its versions are pinned by hash |
| simulation | 方案测算 | what a plan's version would have made of a year of past sales: who would gain, who lose |
| mechanism | 联农带农机制 | how a household earns: order purchase, consignment, labour, land rent, dividends |
| application | 认定申请 | a request to certify a product |
| certificate | 认定证书 | the right to sell a product as certified, for a time |
| lot | 批次 | a quantity of one product with one origin |
| contribution | 投入 | what a household gave to a lot: produce, work or land, with its amount |
| reservation | 预留 | stock of a lot held for an order line |
| order group | 采购单 | what a buyer placed at once; one order per supplier |
| order | 订单 | the part of a group that one supplier delivers |
| acceptance | 验收 | the buyer's word on what arrived, line by line |
| price cut | 折让 | a part of the price of accepted goods that the supplier offers and the buyer takes; goods stay |
| owed back | 应退货款 | what a buyer paid beyond what it owes or may yet owe for an order |
| funds model | 资金模式 | where a buyer's money rests until acceptance: with the supplier (direct) or a custodian |
| custody | 托管 | buyers' money at a bank that holds and releases it on instruction |
| identification code | 识别码 | by which a bank transfer names the order group that it pays |
| meaning | 流水定性 | what a bank's line is that belongs to no order, by two people's word |
| receipt | 到款 | the buyer's money, seen at the supplier's bank or in custody |
| captured | 已收款 | what the buyer paid for an order, wherever it rests |
| online payment | 在线支付 | what a buyer pays at once at the provider for a group's online orders |
| provider | 支付机构 | who takes payments for the market online: Stripe |
| refund | 退款 | what was paid for an order and is not owed goes back, by two people's word |
| dispute | 支付争议 | a payer's bank takes a payment back until it is decided whose it is |
| settlement | 结算 | what a supplier earned in custody is paid on to it |
| reserve | 保证金 | what of a settlement is kept back for some days after acceptance, for goods that may come back |
| attribution | 归集 | the posting of an accepted line to households, collectives and supplier |
| accrued | 应计 | attributed on acceptance |
| recognised | 确认 | the buyer's money for it has reached the supplier |
| disbursed | 兑付 | the supplier has paid it, with evidence |
| confirmed | 农户确认 | the household has confirmed the payment |
| advance | 预付 | paid to a household before or above what is recognised |
| matched | 核销 | the part of an advance that recognised orders have claimed |
| top-up | 补差 | what a supplier owes a household beyond what the line brought |
| retained | 留存 | what stays with the supplier |
| pool | 资金池 | what a supplier keeps of its lines for a mechanism, until a period's distribution |
| distribution | 按期分配 | what a supplier shares out over households for a period, by a pinned list |
| share mode | 股份模式 | what a household brings in for its shares, and its part of the profit of its land |
| base share | 基础股 | the public money on a mu, quantified to households |
| second distribution | 二次分配 | what a village collective gives on of what it received, by its own list |
| annulment | 撤销 | what was approved never was, by two people's word: what still stands of it goes back |
| suspense | 待处理 | a pool that could not be split, with its reason |
| entry, transfer | 凭证, 分录 | a posted fact, and its moves between two accounts |
"""
