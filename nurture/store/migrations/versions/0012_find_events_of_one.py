"""find events of one: of a person and of a delivery by type and moment, so that SQLite never reads all events of a type for them"""

from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('events', schema=None) as batch_op:
        batch_op.drop_index('ix_events_subscriber')
        batch_op.drop_index('ix_events_delivery')
        batch_op.create_index('ix_events_subscriber', ['subscriber_id', 'type', 'at'], unique=False)
        batch_op.create_index('ix_events_delivery', ['delivery_id', 'type', 'at'], unique=False)


def downgrade() -> None:
    raise NotImplementedError("Nurture migrates forward only; restore a backup to go back.")
