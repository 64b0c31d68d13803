"""Guard the versions of plans: a decided one never changes, and no version's content ever does.

And the baselines: a confirmed one never changes. What was simulated of a version is only ever added.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

REFUSE_CHANGE = """
CREATE FUNCTION versions_refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status IN ('approved', 'rejected')
       OR to_jsonb(NEW) - ARRAY['status', 'decided_by', 'decided_at', 'opinion']
          IS DISTINCT FROM
          to_jsonb(OLD) - ARRAY['status', 'decided_by', 'decided_at', 'opinion']
    THEN
        RAISE EXCEPTION 'a version never changes'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_version_never_changes';
    END IF;
    RETURN NEW;
END $$
"""

REFUSE_CHANGE_OF_SIMULATION = """
CREATE FUNCTION plan_simulations_refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'what was told of a version stays: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'plan_simulations_append_only';
END $$
"""

REFUSE_CHANGE_OF_BASELINE = """
CREATE FUNCTION baselines_refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status = 'confirmed' THEN
        RAISE EXCEPTION 'a confirmed baseline never changes'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'baselines_confirmed_never_changes';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Create the functions and their triggers, which also bite in a replication session."""
    op.execute(REFUSE_CHANGE)
    op.execute(
        "CREATE TRIGGER version_stays BEFORE UPDATE OR DELETE ON plan_versions"
        " FOR EACH ROW EXECUTE FUNCTION versions_refuse_change()"
    )
    op.execute("ALTER TABLE plan_versions ENABLE ALWAYS TRIGGER version_stays")
    op.execute(REFUSE_CHANGE_OF_SIMULATION)
    for guard, when, each in (
        ("refuse_change", "UPDATE OR DELETE", "ROW"),
        ("refuse_truncate", "TRUNCATE", "STATEMENT"),
    ):
        op.execute(
            f"CREATE TRIGGER {guard} BEFORE {when} ON plan_simulations"
            f" FOR EACH {each} EXECUTE FUNCTION plan_simulations_refuse_change()"
        )
        op.execute(f"ALTER TABLE plan_simulations ENABLE ALWAYS TRIGGER {guard}")
    op.execute(REFUSE_CHANGE_OF_BASELINE)
    op.execute(
        "CREATE TRIGGER confirmed_stays BEFORE UPDATE OR DELETE ON baselines"
        " FOR EACH ROW EXECUTE FUNCTION baselines_refuse_change()"
    )
    op.execute("ALTER TABLE baselines ENABLE ALWAYS TRIGGER confirmed_stays")
