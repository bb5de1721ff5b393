"""light deliveries: a Message-ID is found through its person, letters and lanes are never deleted; SQLite copies the table once

And who is on no agenda stands in no index of it.
"""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None

OLD = "message_id NOT LIKE '<1%'"
ON_AGENDA = "plan_at IS NOT NULL"
INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'deliveries' AND sql IS NOT NULL ORDER BY rowid"


def upgrade() -> None:
    # The copy would get its indexes in another order, and by that order SQLite chooses between equals.
    indexes = list(op.get_bind().exec_driver_sql(INDEXES)) if op.get_bind().dialect.name == "sqlite" else []
    for name, _ in indexes:
        op.execute(f"DROP INDEX {name}")
    with op.batch_alter_table('deliveries', schema=None, table_kwargs={'sqlite_autoincrement': True}) as batch_op:
        batch_op.drop_constraint('uq_deliveries_message_id', type_='unique')
        batch_op.drop_constraint('fk_deliveries_letter_id', type_='foreignkey')
        batch_op.drop_constraint('fk_deliveries_lane_id', type_='foreignkey')
    op.create_index('ix_deliveries_old_message_id', 'deliveries', ['message_id'], unique=False, sqlite_where=sa.text(OLD), postgresql_where=sa.text(OLD))
    for _, sql in indexes:
        op.execute(sa.text(sql.replace(":", "\\:")))
    op.drop_index('ix_standings_plan_at', 'standings')
    op.create_index('ix_standings_plan_at', 'standings', ['plan_at', 'served_at'], unique=False, sqlite_where=sa.text(ON_AGENDA), postgresql_where=sa.text(ON_AGENDA))


def downgrade() -> None:
    raise NotImplementedError("Nurture migrates forward only; restore a backup to go back.")
