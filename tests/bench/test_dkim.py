"""What a signature costs, in CPU time of this process: the bare operation of the library, and all that stands around it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from nurture.definitions.loading import load_files
from nurture.domain.documents import letters_of
from nurture.mail.dkim import canonical_body, canonical_head, signer
from nurture.render.compiling import compile_letter
from nurture.shipped import shipped
from tests.bench.conftest import Figures
from tests.support.letters import message, written
from tests.support.signatures import ED, RSA

pytestmark = pytest.mark.bench
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MANY = 200


def cpu_us(work: Callable[[], object], times: int = 7) -> float:
    """Microseconds of CPU for one, in the best of several rounds."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        for _ in range(MANY):
            work()
        best = min(best, time.process_time() - start)
    return best / MANY * 1e6


def test_signatures_cost_little_more_than_the_bare_operation(figures: Figures) -> None:
    (placed,) = load_files([shipped("sequences") / "two-weeks.yaml"]).documents
    raw = message(written(compile_letter(letters_of(placed.document)[-1], shipped("templates"))))
    head, _, body = raw.partition(b"\r\n\r\n")
    head += b"\r\n"
    figures.note("dkim_letter_kb", len(raw) / 1024)
    fields, _ = canonical_head(head)
    bare = {key.kind: figures.note(f"dkim_{key.kind}_bare_us", cpu_us(lambda key=key: key.signature(fields))) for key in (ED, RSA)}
    figures.note("dkim_canonical_us", cpu_us(lambda: (canonical_head(head), canonical_body(body))))
    whole = {}
    for name, keys in (("ed25519", [ED]), ("rsa", [RSA]), ("both", [RSA, ED])):
        sign = signer(keys, NOW)
        whole[name] = figures.note(f"dkim_{name}_us", cpu_us(lambda sign=sign: sign(head, body)))
    assert figures.note("dkim_ed25519_to_bare_ratio", whole["ed25519"] / bare["ed25519"]) < 3
    assert figures.note("dkim_rsa_to_bare_ratio", whole["rsa"] / bare["rsa"]) < 1.6
    assert figures.note("dkim_both_to_sum_ratio", whole["both"] / (whole["ed25519"] + whole["rsa"])) < 1
