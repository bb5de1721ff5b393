"""hygiene: what the weekly run proposes, and when people last told what is known of them"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from nurture.store.tables.base import Json, Key

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('proposals',
    sa.Column('id', Key, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('people', sa.Integer(), nullable=False),
    sa.Column('detail', Json, nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('found_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('seen_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('ended_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('ended_by', sa.String(), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.CheckConstraint("kind IN ('lost', 'fading', 'duplicate', 'domain', 'data', 'zone')", name=op.f('ck_proposals_kind')),
    sa.CheckConstraint("state IN ('open', 'accepted', 'dismissed', 'gone')", name=op.f('ck_proposals_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_proposals')),
    sa.UniqueConstraint('kind', 'key', name=op.f('uq_proposals_kind_key'))
    )
    with op.batch_alter_table('proposals', schema=None) as batch_op:
        batch_op.create_index('ix_proposals_open', ['id'], unique=False, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    with op.batch_alter_table('subscribers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('told_at', Json, nullable=True))



def downgrade() -> None:
    raise NotImplementedError("Nurture migrates forward only; restore a backup to go back.")
