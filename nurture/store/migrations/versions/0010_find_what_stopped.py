"""find what stopped: letters that ended without arriving, and old answers kept for an Idempotency-Key, each by an index"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

STOPPED = "state IN ('rejected', 'failed', 'cancelled', 'held')"


def upgrade() -> None:
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.create_index('ix_deliveries_stopped', ['id'], unique=False, sqlite_where=sa.text(STOPPED), postgresql_where=sa.text(STOPPED))
    with op.batch_alter_table('idempotency', schema=None) as batch_op:
        batch_op.create_index('ix_idempotency_at', ['at'], unique=False)


def downgrade() -> None:
    raise NotImplementedError("Nurture migrates forward only; restore a backup to go back.")
