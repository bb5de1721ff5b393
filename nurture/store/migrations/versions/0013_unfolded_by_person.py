"""unfolded by person: whether somebody's news waits to be folded is one seek, also while a million letters leave"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

UNFOLDED = "folded = 0 AND state IN ('accepted', 'rejected', 'failed', 'cancelled', 'held', 'unknown')"


def upgrade() -> None:
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.drop_index('ix_deliveries_unfolded')
        batch_op.create_index('ix_deliveries_unfolded', ['subscriber_id', 'id'], unique=False, sqlite_where=sa.text(UNFOLDED), postgresql_where=sa.text(UNFOLDED))


def downgrade() -> None:
    raise NotImplementedError("Nurture migrates forward only; restore a backup to go back.")
