"""All tables, by subject. Importing this package fills `METADATA`."""

from nurture.store.tables.access import ApiKey, Audit, Idempotency, Session, User
from nurture.store.tables.asking import Drawing
from nurture.store.tables.base import Table
from nurture.store.tables.cleanups import Cleanup, CleanupMember, CleanupMove
from nurture.store.tables.deliveries import Delivery, Lane, Throttle, Worker
from nurture.store.tables.documents import Document, DocumentVersion, Letter, LetterVersion, Media, Occasion, Publication
from nurture.store.tables.events import Event
from nurture.store.tables.proposals import ProposalRow
from nurture.store.tables.reactions import Reaction, Task, Webhook, WebhookMessage
from nurture.store.tables.replies import Reply
from nurture.store.tables.standings import Composition, Enrolment, Match, Move, Pull, Standing
from nurture.store.tables.subscribers import Consent, Referral, Subscriber, SubscriberTag, Suppression
from nurture.store.tables.workspace import Import, Job, Workspace

METADATA = Table.metadata

__all__ = [
    "METADATA",
    "ApiKey",
    "Audit",
    "Cleanup",
    "CleanupMember",
    "CleanupMove",
    "Composition",
    "Consent",
    "Delivery",
    "Document",
    "DocumentVersion",
    "Drawing",
    "Enrolment",
    "Event",
    "Idempotency",
    "Import",
    "Job",
    "Lane",
    "Letter",
    "LetterVersion",
    "Match",
    "Media",
    "Move",
    "Occasion",
    "ProposalRow",
    "Publication",
    "Pull",
    "Reaction",
    "Referral",
    "Reply",
    "Session",
    "Standing",
    "Subscriber",
    "SubscriberTag",
    "Suppression",
    "Task",
    "Throttle",
    "User",
    "Webhook",
    "WebhookMessage",
    "Worker",
    "Workspace",
]
