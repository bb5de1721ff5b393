"""Can the sender's domain be answered? Receivers refuse senders that cannot (RFC 5321 5.1, RFC 7505)."""

from nurture.domain.dns.questions import Inquiry, Question, Unanswered, ask
from nurture.domain.findings import Finding


def examine_mail_servers(domain: str) -> Inquiry[Finding]:
    """Of the sender's domain, or of the one that bounces go to."""
    try:
        servers = (yield from ask(Question(domain, "MX"))).values
        if servers == (".",):
            words = f"{domain} says by its MX that it takes no mail, so receivers refuse letters from it; name a mail server."
            return Finding("MX", "fail", words)
        if servers:
            return Finding("MX", "ok", f"Answers to {domain} go to {servers[0]}.")
        for kind in ("A", "AAAA"):
            if (yield from ask(Question(domain, "A" if kind == "A" else "AAAA"))).values:
                return Finding("MX", "warn", f"{domain} has no MX record; publish one, so that answers and bounces arrive.")
    except Unanswered as silence:
        return Finding("MX", "fail", str(silence))
    return Finding("MX", "fail", f"{domain} has neither MX nor address, so receivers refuse letters from it; publish an MX record.")
