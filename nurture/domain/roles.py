"""Who of the house may do what: the one table behind every page of the dashboard and every scope of a key.

A scope is `subject:read` or `subject:write` (writing includes reading), or a word of its own. A key holds scopes, a user holds a role, and
a role is nothing but scopes; so a page and a route of the API ask the same question.
"""

from collections.abc import Collection
from enum import StrEnum

from nurture.domain.advice import did_you_mean
from nurture.domain.errors import NurtureError

SCOPES = (
    "all", "subscribers:read", "subscribers:write", "sequences:read", "sequences:write", "deliveries:read", "deliveries:write",
    "events:read", "events:write", "send", "reports:read", "policy:read", "policy:write", "keys:write", "tasks:read", "tasks:write",
    "webhooks:read", "webhooks:write", "replies:read", "replies:write", "audit:read",
)  # fmt: skip


class Role(StrEnum):
    OWNER = "owner"
    MARKETER = "marketer"
    HELPER = "helper"
    READER = "reader"


ABOUT = {
    Role.OWNER: "everything, users, keys and the audit log too",
    Role.MARKETER: "letters, people, campaigns, the policy and the reply desk; no users, no keys",
    Role.HELPER: "the reply desk and nothing else",
    Role.READER: "looks at everything a marketer sees and changes nothing",
}
GRANTS: dict[Role, frozenset[str]] = {
    Role.OWNER: frozenset({"all"}),
    Role.MARKETER: frozenset({
        "subscribers:write", "sequences:write", "deliveries:write", "events:write", "send", "reports:read", "policy:write", "tasks:write",
        "webhooks:read", "replies:write",
    }),
    Role.HELPER: frozenset({"replies:write"}),
    Role.READER: frozenset({
        "subscribers:read", "sequences:read", "deliveries:read", "events:read", "reports:read", "policy:read", "tasks:read",
        "webhooks:read", "replies:read",
    }),
}  # fmt: skip
# The first word of a page's path -> its subject. A page that is not named here is about documents: a marketer may press its buttons.
PAGES = {
    "": "reports", "letters": "deliveries", "people": "subscribers", "replies": "replies", "policy": "policy", "webhooks": "webhooks",
    "tasks": "tasks", "keys": "keys", "users": "users", "audit": "audit",
}  # fmt: skip
OTHER_PAGES = "sequences"
_GUARDED_TO_LOOK = frozenset({"keys", "users"})  # who may look may change: there is no reading of these alone
_LOOKING = frozenset({"GET", "HEAD"})


def opens(held: Collection[str], scope: str) -> bool:
    """Whether these scopes open what asks for `scope`; writing includes reading of the same subject."""
    subject, _, verb = scope.partition(":")
    return "all" in held or scope in held or (verb == "read" and f"{subject}:write" in held)


def page_scope(method: str, path: str) -> str:
    """What a page of the dashboard asks for, by its method and the first word of its path: no page can forget to ask."""
    subject = PAGES.get(path.strip("/").partition("/")[0], OTHER_PAGES)
    return f"{subject}:read" if method in _LOOKING and subject not in _GUARDED_TO_LOOK else f"{subject}:write"


def read_role(word: str) -> Role:
    """Raises NurtureError naming the roles there are."""
    try:
        return Role(word.strip().lower())
    except ValueError:
        raise NurtureError(f"{word!r} is not a role{did_you_mean(word, list(Role)) or '; use ' + ', '.join(Role)}") from None
