"""draws among those who answered: a seed that is promised by its hash, and what was drawn with it"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from nurture.store.tables.base import Json, Key

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('draws',
    sa.Column('id', Key, nullable=False),
    sa.Column('question', sa.String(), nullable=False),
    sa.Column('seed', sa.String(), nullable=False),
    sa.Column('commitment', sa.String(), nullable=False),
    sa.Column('created_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('drawn_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('entries', Json, nullable=True),
    sa.Column('winners', Json, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draws')),
    sa.UniqueConstraint('question', name=op.f('uq_draws_question'))
    )


def downgrade() -> None:
    raise NotImplementedError("Nurture migrates forward only; restore a backup to go back.")
