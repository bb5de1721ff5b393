"""lighter steps of a letter: indexes that only its last step writes; SQLite copies the table once

`folded` becomes 1 for what has not ended, `held` gets the moment it ended: then moments say what the states said.
"""

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

OPEN, STOPPED, ACCEPTED = "ended_at IS NULL", "ended_at IS NOT NULL AND accepted_at IS NULL", "accepted_at IS NOT NULL"
IDLE, IN_HAND = f"worker_id IS NULL AND {OPEN}", "worker_id > 0"
STATE = (
    f"CASE WHEN state IN ('sending', 'claimed') THEN {OPEN} AND {IN_HAND} WHEN state = 'accepted' THEN {ACCEPTED} AND ended_at IS NOT NULL "
    f"WHEN state IN ('pending', 'deferred') THEN {IDLE} AND folded = 1 WHEN state = 'unknown' THEN {IDLE} AND folded = 0 "
    f"WHEN state IN ('rejected', 'failed', 'cancelled', 'held') THEN {STOPPED} ELSE FALSE END"
)
WHERE = {
    "uq_deliveries_one_open": (["subscriber_id"], f"{OPEN} AND kind <> 'service'"),
    "ix_deliveries_lane_due": (["lane_id", "throttle_id", "due_at"], IDLE),
    "ix_deliveries_leased": (["worker_id"], IN_HAND),
    "ix_deliveries_unfolded": (["subscriber_id", "id"], "folded = 0"),
    "ix_deliveries_unknown": (["due_at"], f"folded = 0 AND {OPEN}"),
    "ix_deliveries_accepted": (["accepted_at"], ACCEPTED),
    "ix_deliveries_timing": (["accepted_at"], f"timing IS NOT NULL AND {ACCEPTED}"),
    "ix_deliveries_stopped": (["id"], STOPPED),
    "ix_deliveries_offered": (["lane_id", "subscriber_id"], "rule = 'cleanup'"),
}
INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'deliveries' AND sql IS NOT NULL ORDER BY rowid"
FACTS = (
    "UPDATE deliveries SET ended_at = NULL, folded = 1 WHERE state IN ('pending', 'claimed', 'sending', 'deferred')",
    "UPDATE deliveries SET ended_at = NULL, folded = 0 WHERE state = 'unknown'",
    "UPDATE deliveries SET worker_id = NULL WHERE worker_id IS NOT NULL AND state IN ('pending', 'deferred', 'unknown')",
    "UPDATE deliveries SET state = 'pending' WHERE worker_id IS NULL AND state = 'claimed'",
    "UPDATE deliveries SET state = 'unknown', folded = 0 WHERE worker_id IS NULL AND state = 'sending'",
    "UPDATE deliveries SET ended_at = COALESCE(ended_at, accepted_at, handed_at, due_at) "
    "WHERE state IN ('accepted', 'rejected', 'failed', 'cancelled', 'held') AND ended_at IS NULL",
    "UPDATE deliveries SET accepted_at = ended_at WHERE state = 'accepted' AND accepted_at IS NULL",
    "UPDATE deliveries SET accepted_at = NULL WHERE state <> 'accepted' AND accepted_at IS NOT NULL",
)


def upgrade() -> None:
    # The copy would get its indexes in another order, and by that order SQLite chooses between equals.
    sqlite = op.get_bind().dialect.name == "sqlite"
    kept = list(op.get_bind().exec_driver_sql(INDEXES)) if sqlite else []
    for name in [name for name, _ in kept] if sqlite else WHERE:
        op.execute(f"DROP INDEX {name}")
    for statement in FACTS:
        op.execute(statement)
    with op.batch_alter_table('deliveries', schema=None, table_kwargs={'sqlite_autoincrement': True}) as batch_op:
        batch_op.drop_constraint(op.f('ck_deliveries_state'), type_='check')
        batch_op.create_check_constraint(op.f('ck_deliveries_state'), STATE)
    for name, sql in kept or [(name, "") for name in WHERE]:
        if name in WHERE:
            columns, where = WHERE[name]
            op.create_index(name, 'deliveries', columns, unique=name.startswith("uq"), sqlite_where=sa.text(where), postgresql_where=sa.text(where))
        else:
            op.execute(sa.text(sql.replace(":", "\\:")))


def downgrade() -> None:
    raise NotImplementedError("Nurture migrates forward only; restore a backup to go back.")
