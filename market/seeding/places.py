"""What the market stands on: regions, the channel scheme, terms of certification, categories, lines of monitoring."""

from datetime import date

from sqlalchemy import orm

from market.catalog import service as catalog
from market.certification import service as certification
from market.certification.rules import Terms
from market.channels import service as channels
from market.channels.rules import ChannelTerms, FundsModel
from market.identity.rules import OrganisationKind
from market.livelihoods import service as livelihoods
from market.regions import service as regions
from market.seeding.reading import Row, Sample, day, fen, yes


def load_places(session: orm.Session, sample: Sample, *, today: date) -> None:
    """Load what belongs to no organisation."""
    for row in sample.regions:
        regions.add_region(session, code=row["code"], name=row["name"], valid_from=day(row["valid_from"]))
    _publish(session, sample, today)
    for row in sample.certification_policies:
        certification.set_terms(
            session,
            region_code=row["region_code"],
            valid_from=day(row["valid_from"]),
            terms=Terms(int(row["notice_working_days"]), int(row["validity_days"])),
        )
    for row in sample.categories:
        catalog.add_category(
            session,
            code=row["code"],
            name=row["name"],
            needs_quality_certificate=yes(row["needs_quality_certificate"]),
            most_kg_per_mu=int(row["most_kg_per_mu"]) if row["most_kg_per_mu"] else None,
        )
    for row in sample.monitoring_lines:
        livelihoods.set_line(
            session,
            region_code=row["region_code"],
            year=int(row["year"]),
            line_fen=fen(row["line_yuan"]),
            jump_bp=int(row["jump_bp"]),
            jump_fen=fen(row["jump_yuan"]),
            unchecked_fen=fen(row["unchecked_yuan"]),
            unchecked_days=int(row["unchecked_days"]),
            source=row["source"],
        )


def _publish(session: orm.Session, sample: Sample, today: date) -> None:
    first = sample.channels[0]
    channels.publish_scheme(
        session,
        code=first["scheme"],
        name=first["scheme_name"],
        valid_from=day(first["valid_from"]),
        channels=[_terms(row) for row in sample.channels],
        today=today,
    )


def _terms(row: Row) -> ChannelTerms:
    return ChannelTerms(
        code=row["code"],
        name=row["name"],
        buyer_kinds=frozenset(OrganisationKind(kind) for kind in row["buyer_kinds"].split()),
        evidence_kinds=tuple(row["evidence_kinds"].split()),
        needs_external_number=yes(row["needs_external_number"]),
        counts_to_reserved_share=yes(row["counts_to_reserved_share"]),
        funds_models=tuple(FundsModel(model) for model in row["funds_models"].split()),
        fee_bp=int(row["fee_bp"]),
        reserve_bp=int(row["reserve_bp"]),
        reserve_days=int(row["reserve_days"]),
    )
