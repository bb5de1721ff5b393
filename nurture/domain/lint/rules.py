"""The names of lint's rules, each once. They stand in JSON, in scripts and in docs/lint.md: a name is never changed, only added."""

from typing import Literal, TypeAlias

LetterRule: TypeAlias = Literal[
    "personal-subject", "personal-greeting", "mass-address", "mixed-you", "shouting", "subject-length",
    "length", "too-big", "one-topic", "no-call-to-action", "one-call-to-action",
    "empty-merge-field", "alt-text", "text-part", "leave-link", "why-you-get-this",
    "kind-against-words", "sales-parts", "honest-limit", "library-kind", "utm-medium", "dead-link", "private-link",
]  # fmt: skip
SequenceRule: TypeAlias = Literal[
    "unearned-sales", "dry-library", "only-inhaling", "contradicting-promises", "redundant-promise",
    "cycle-length", "floor", "after-against-cadence", "rarer-than-monthly", "never-opens", "unreachable-window",
    "greeting-without-day", "now-too-late", "over-pace", "about-outside-sequence",
]  # fmt: skip
CampaignRule: TypeAlias = Literal[
    "at-night", "schedule-day", "until-against-schedule", "segment-against-kind", "service-to-many", "test-against-until",
]  # fmt: skip
CleanupRule: TypeAlias = Literal["few-offers", "holdout-size", "canary-size", "no-closing-letter"]
PolicyRule: TypeAlias = Literal["no-sender", "no-postal-address", "quiet-all-day", "no-such-day"]
NameRule: TypeAlias = Literal[
    "unknown-segment", "unknown-template", "unknown-topic", "unknown-sequence", "unknown-letter", "empty-condition",
    "segment-circle", "plain-webhook", "unknown-question", "unknown-choice",
]  # fmt: skip
Rule: TypeAlias = LetterRule | SequenceRule | CampaignRule | CleanupRule | PolicyRule | NameRule
