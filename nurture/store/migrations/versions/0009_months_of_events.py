"""months of events: on PostgreSQL a table for each month, what there is already stays one part; SQLite keeps its one table"""

import re

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

FIRST_MONTH = """
SELECT to_char(CASE WHEN max(at) >= this_month THEN date_trunc('month', max(at) AT TIME ZONE 'UTC') + interval '1 month'
                    ELSE this_month AT TIME ZONE 'UTC' END, 'YYYY-MM-DD')
FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS this_month) AS clock LEFT JOIN events ON true
GROUP BY this_month
"""


def upgrade() -> None:
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.create_index('ix_deliveries_worded', ['ended_at'], unique=False, sqlite_where=sa.text('payload IS NOT NULL'), postgresql_where=sa.text('payload IS NOT NULL'))

    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    first_month = connection.exec_driver_sql(FIRST_MONTH).scalar_one()
    indexes = list(connection.exec_driver_sql(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'events' AND schemaname = current_schema() AND indexname LIKE 'ix_%%'"
    ))
    op.execute("ALTER TABLE events DROP CONSTRAINT pk_events, DROP CONSTRAINT uq_events_uid")
    op.execute("ALTER TABLE events RENAME TO events_before")
    op.execute("CREATE TABLE events (LIKE events_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (at)")
    op.execute("ALTER SEQUENCE events_id_seq OWNED BY events.id")
    op.execute("ALTER TABLE events ADD CONSTRAINT pk_events PRIMARY KEY (id, at), ADD CONSTRAINT uq_events_uid UNIQUE (uid, at)")
    for name, definition in indexes:
        op.execute(f"ALTER INDEX {name} RENAME TO events_before{name.removeprefix('ix_events')}")
        op.execute(re.sub(r" ON \S+ USING", " ON events USING", definition, count=1))
    op.execute(f"ALTER TABLE events ATTACH PARTITION events_before FOR VALUES FROM (MINVALUE) TO ('{first_month} 00:00:00+00')")
    op.execute("CREATE TABLE events_rest PARTITION OF events DEFAULT")


def downgrade() -> None:
    raise NotImplementedError("Nurture migrates forward only; restore a backup to go back.")
