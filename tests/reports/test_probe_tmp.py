import time
from datetime import date, timedelta
from uuid import uuid4
import sqlalchemy as sa
from market.ledger import service as ledger
from market.ledger.rules import *
from market.attribution.statements import household_statement
from market.reports.cooperatives import cooperative_statement
from market.reports import queries
from market.reports.queries import report, Filters
from market.reports.rules import Dimension
from tests import factories
from tests.story import Story, open_channels
import os, psycopg
from market.identity.rules import Scope

def test_scale(committed_db, request):
    with committed_db.transaction() as session:
        open_channels(session)
        story=Story(session); hs=[story.household() for _ in range(300)]
        story.lot(100_000,{hs[0].id:60_000}); order=story.sell("50"); line=story.lines(order)[0].id
        days=[date(2024,1,1)+timedelta(days=4*i) for i in range(200)]
        s=story.supplier.id
        keys=[AccountKey("household",h.id,s,step) for h in hs for step in ("accrued","recognised","disbursed")]
        ids=ledger.account_ids(session,Book.ATTRIBUTION,[AccountKey("base",s,None,"accrued"),*keys],days=days)
        b=ids[AccountKey("base",s,None,"accrued")]
        for d in days:
            tr=[]
            for h in hs:
                a,r,p=(ids[AccountKey("household",h.id,s,x)] for x in ("accrued","recognised","disbursed"))
                tr+= [Transfer(b,a,100,line,"order_purchase",None,None,True),Transfer(a,r,100,line,"order_purchase",None,None,True),Transfer(r,p,100,line,"order_purchase",None,None,True)]
            ledger.post(session,Book.ATTRIBUTION,[Entry(f"x:{d}","accrual",d,tr)])
    P=dict(period_from=date(2026,1,1),period_to=date(2026,3,31))
    def t(name,f,n=8):
        ts=[]
        for _ in range(n):
            x=time.perf_counter()
            try: f()
            except Exception as e: print(name, type(e), str(e)[:80])
            ts.append(time.perf_counter()-x)
        print(name, [f"{v*1000:.1f}" for v in ts], flush=True)
    def run():
      with committed_db.reading() as c:
        t("household",lambda: household_statement(c,story.clerk,hs[5].id,**P))
        t("coop",lambda: cooperative_statement(c,story.clerk,s,**P),3)
        t("report",lambda: report(c,story.clerk,Dimension.CHANNEL,Filters(**P)),3)
        t("report all",lambda: report(c,story.clerk,Dimension.MONTH,Filters(date(2024,1,1),date(2026,12,31))),2)

    params={"dimension":"month","period_from":date(2024,1,1),"period_to":date(2026,12,31),"county":None,"channel":None,"supplier":None,"own_supplier":story.supplier.id,"own_buyer":None,"own_region":None}
    url=committed_db.engine.url
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False),autocommit=True) as o: o.execute("ANALYZE")
    with committed_db.reading() as c:
        t("plain", lambda: c.execute(queries._REPORT, params).all(), 2)
        t("explain", lambda: c.execute(sa.text("EXPLAIN (ANALYZE, TIMING OFF) "+str(queries._REPORT)), params).all(), 2)
        c.execute(sa.text("SET plan_cache_mode = force_custom_plan"))
        t("custom", lambda: c.execute(queries._REPORT, params).all(), 2)
        c.execute(sa.text("LOAD 'auto_explain'")) if False else None
    print(str(queries._REPORT.compile(committed_db.engine))[:1500])
