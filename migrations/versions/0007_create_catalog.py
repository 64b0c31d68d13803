"""Create the catalogue.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.create_table(
        "categories",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("needs_quality_certificate", sa.Boolean(), nullable=False),
        sa.Column("most_kg_per_mu", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("most_kg_per_mu > 0", name=op.f("categories_yield_is_positive")),
        sa.PrimaryKeyConstraint("code", name=op.f("categories_pkey")),
    )
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("category_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("specification", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("origin_code", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("unit_milli", sa.BigInteger(), nullable=False),
        sa.Column("base_unit", sa.Text(), nullable=False),
        sa.Column("minimum_milli", sa.BigInteger(), nullable=False),
        sa.Column("multiple_milli", sa.BigInteger(), nullable=False),
        sa.Column("tax_bp", sa.BigInteger(), nullable=False),
        sa.Column("weight_tolerance_bp", sa.BigInteger(), nullable=True),
        sa.Column("first_price_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "listed",
                "withdrawn",
                name="productstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("search", postgresql.TSVECTOR(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status <> 'listed' OR first_price_fen > 0", name=op.f("products_listed_product_has_a_price")
        ),
        sa.CheckConstraint("first_price_fen >= 0", name=op.f("products_price_is_not_negative")),
        sa.CheckConstraint("minimum_milli > 0 AND multiple_milli > 0", name=op.f("products_steps_are_positive")),
        sa.CheckConstraint(
            "mod(minimum_milli, greatest(multiple_milli, 1)) = 0", name=op.f("products_minimum_can_be_ordered")
        ),
        sa.CheckConstraint("tax_bp BETWEEN 0 AND 2000", name=op.f("products_tax_is_plausible")),
        sa.CheckConstraint(
            "weight_tolerance_bp IS NULL"
            " OR (weight_tolerance_bp BETWEEN 1 AND 2000 AND unit IN ('kg', 'g', 't', 'jin', 'liang'))",
            name=op.f("products_mass_alone_is_settled_by_weight"),
        ),
        sa.CheckConstraint("unit_milli > 0", name=op.f("products_unit_is_positive")),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("products_category_code_exists")),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificates.id"], name=op.f("products_certificate_id_exists")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("products_plan_id_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("products_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("products_pkey")),
    )
    op.create_index(
        "products_by_name_idx", "products", ["name", "id"], unique=False, postgresql_where=sa.text("status = 'listed'")
    )
    op.create_index(
        "products_by_price_idx",
        "products",
        ["first_price_fen", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'listed'"),
    )
    op.create_index(op.f("products_category_code_idx"), "products", ["category_code"], unique=False)
    op.create_index(op.f("products_certificate_id_idx"), "products", ["certificate_id"], unique=False)
    op.create_index(
        "products_search_idx",
        "products",
        ["search"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(op.f("products_supplier_id_idx"), "products", ["supplier_id"], unique=False)
    op.create_table(
        "price_tiers",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("from_milli", sa.BigInteger(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("price_fen > 0", name=op.f("price_tiers_price_is_positive")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("price_tiers_product_id_exists")),
        sa.PrimaryKeyConstraint("product_id", "from_milli", name=op.f("price_tiers_pkey")),
    )
    op.execute("GRANT SELECT, INSERT ON categories TO market_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON products, price_tiers TO market_app")
    op.execute("GRANT DELETE ON price_tiers TO market_app")
