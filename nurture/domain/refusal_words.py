"""What systems write when they refuse a letter, in the languages in which they write it: one vocabulary, for reports and for answers.

Reports are read by class, first match wins.

The order is the point: a filter that says "user unknown" in its advice has still filtered, and a full mailbox belongs to somebody.
Collected from the answers of Postfix, Exim, Sendmail, qmail, Exchange, Domino, Notes, GroupWise and the large providers.
"""

import re
from enum import StrEnum


class Refusal(StrEnum):
    """`dead`: nobody has this address. `full`, `disabled`, `later`: somebody has, and it may pass. `sender`, `content`: about us."""

    SENDER = "sender"
    CONTENT = "content"
    SIZE = "size"
    FULL = "full"
    DISABLED = "disabled"
    DEAD = "dead"
    LATER = "later"


def any_of(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


# Who an address is to the systems that refuse it.
_WHO = r"(?:user|recipient|addressee?|mailbox|account|e-?mail(?: address| account)?|local part|inbox|userid)"
_WHOEVER = rf"(?:{_WHO}|person|alias|name|destinatario)"

# What both readings share: the words of a server's answer, and of a report that quotes it.
_RELAYING = (
    r"relay(?:ing)? (?:access )?(?:is )?(?:denied|not|prohibited|disallowed)", r"unable to relay", r"relaying denied",
    r"not (?:allowed|permitted|authori[sz]ed) to relay",
)  # fmt: skip
_UNTRUSTED = (
    r"\bSPF\b", r"\bDKIM\b", r"\bDMARC\b", r"spamhaus", r"spamcop", r"\bsorbs\b", r"barracudacentral", r"block ?list", r"black ?list",
    r"blocklisted", r"\b(?:D|DNS)?(?:RB|B)Ls?\b", r"(?:poor|bad|low) reputation", r"reputation of the sending",
    r"\breputation\b.{0,40}\b(?:poor|low|block)", r"reverse dns", r"\bPTR\b", r"can(?:not|'t) (?:find|resolve) your",
    r"authentication (?:is )?required", r"must authenticate", r"must issue a starttls",
    r"sender (?:address )?(?:was )?(?:rejected|denied|refused|verify|verification|not allowed)", r"sender identit", r"sendasdenied",
    r"helo (?:command )?rejected", r"not authori[sz]ed to send", r"unauthori[sz]ed ip", r"messages? from .{0,80}weren.t sent",
    r"(?:your|client) (?:host|ip)\b[^.]{0,60}(?:rejected|blocked|denied|banned|refused|not allowed)",
)  # fmt: skip
_SPAM = (
    r"\bspam\b", r"unsolicited", r"\bjunk\b", r"content (?:was )?(?:rejected|filter|restriction|presents|not accepted)", r"virus",
    r"malware", r"phish", r"suspicious", r"potential security issue",
    r"message (?:was |has been )?(?:rejected|refused|blocked|content)(?! .{0,20}(?:invalid|unknown))",
)  # fmt: skip
_TOO_BIG = (
    r"too (?:big|large)", r"exceed\w*.{0,30}\bsize", r"size (?:limit )?exceed", r"larger than", r"message size",
    r"maximum (?:message )?size", r"size restrictions?",
)  # fmt: skip
_BOX = r"(?:mailbox|mail ?box|inbox|postfach|account|maildir|folder)(?:'s)?"
_FULL = (
    rf"{_BOX}(?: \S{{1,80}})? (?:is |ist )?(?:too |currently |almost )?(?:full|voll)\b",
    r"over ?-?quota", r"exceed\w*.{0,20}(?:quota|storage)", r"quota.{0,20}(?:exceed|violat|full|reached|limit)",
    r"(?:not enough|insufficient|no|out of).{0,20}\b(?:space|storage|quota|disk)", r"disk (?:quota|full)", r"has too much mail",
    r"ящик.{0,30}(?:переполнен|полон)", r"переполнен", r"превышен\w* (?:квот|лимит)", r"przepełnion", r"skrzynk\w+ .{0,20}pełn",
    r"speicherplatz", r"kontingent", r"bo[iî]te.{0,30}pleine", r"buz[oó]n.{0,20}lleno", r"user (?:is )?full",
)  # fmt: skip
_DISABLED = (
    rf"{_WHO}\b.{{0,60}}\b(?:disabled|inactive|suspended|deactivated|locked|discontinued|not active)",
    r"(?:disabled|inactive|suspended|deactivated|locked) (?:user|mailbox|account|address|recipient)",
    r"заблокирован", r"отключ[её]н", r"konto.{0,20}(?:zablokowan|nieaktywn)",
)  # fmt: skip
_NONE_SUCH = r"(?:unknown|unknown or illegal|no such|invalid|non-?existent|bad destination)"
_NO_ONE = (
    rf"{_NONE_SUCH}[\s:'\"(]{{1,4}}(?:local |destination |delivery |virtual )?(?:{_WHO}|address|person|local)",
    rf"(?:{_WHO}|address)\b[^.\n]{{0,60}}\b(?:unknown|does ?n[o'.]t exist|do(?:es)? not exist|not exist|not found|not known)",
    r"user[- ]?unknown", r"addressee unknown", r"there is no user", r"no mailbox here", r"unrouteable", r"not our customer",
    r"(?:doesn.t|does not|don.t) have an? \S{1,60} account", r"could ?n[o'.]t be found", r"RecipNotFound|RecipientNotFound",
    r"(?:пользовател|адресат|ящик|получател|адрес)\w*[^.\n]{0,60}(?:не (?:найден|существует|зарегистрирован)|неизвест|отсутствует)",
    r"(?:нет|неизвестн\w+|несуществующ\w+) (?:такого )?(?:пользовател|адрес|ящик|получател)",
    r"(?:użytkownik|adresat|konto|skrzynka|adres)\w*[^.\n]{0,50}(?:nie istnieje|nieznan)", r"nieznan\w+ (?:użytkownik|adresat)",
    r"(?:empf[aä]nger|benutzer|adresse|postfach)[^.\n]{0,50}(?:unbekannt|existiert nicht|nicht gefunden|nicht bekannt)",
    r"unbekannter (?:empf|benutzer)",
)  # fmt: skip
RELAYING, UNTRUSTED, SPAM, TOO_BIG = any_of(*_RELAYING), any_of(*_UNTRUSTED), any_of(*_SPAM), any_of(*_TOO_BIG)
FULL, DISABLED, NO_ONE = any_of(*_FULL), any_of(*_DISABLED), any_of(*_NO_ONE)
"""These words as answer_table.py reads them: there the phase and the codes have ruled out what they might mean else."""

# With those of a report go the words of whoever wrote it, which a server's answer may use of something else.
_TABLE: tuple[tuple[Refusal, re.Pattern[str]], ...] = (
    (Refusal.SENDER, any_of(
        *_RELAYING, *_UNTRUSTED, r"relaying mail", r"sender verif", r"(?:your|client) (?:server|network)\b.{0,60}\b(?:block|reject|denied)",
        r"(?:your|client) (?:host|ip)\b.{0,60}\b(?:block|reject|denied|banned|refused|not allowed)", r"you are not allowed to",
        r"access denied", r"domain of sender", r"sender domain", r"not permitted to send",
        r"mail from\b.{0,40}\b(?:refused|rejected|blocked|not accepted)", r"banned", r"too many (?:hops|messages|connections|recipients)",
    )),
    (Refusal.CONTENT, any_of(
        *_SPAM, r"\bUCE\b", r"\bUBE\b", r"bulk (?:mail|e-?mail)", r"policy", r"filter(?:ed|s|ing)?\b",
        r"not accept(?:ed|ing)? (?:mail )?(?:from|for policy)", r"administrative prohibition", r"prohibited", r"transaction failed",
        r"restricted", r"forbidden", r"requires? (?:permission|approval|authentication)", r"moderat", r"blocked\b", r"challenge",
    )),
    (Refusal.SIZE, any_of(*_TOO_BIG)),
    (Refusal.FULL, any_of(
        *_FULL, r"(?:exceed|over|above|out of|beyond)\w*.{0,40}\b(?:quota|storage|disk|space|allocated|limit)",
        r"(?:space|storage) (?:is )?not enough",
    )),
    (Refusal.DISABLED, any_of(
        *_DISABLED, rf"{_WHOEVER}\b.{{0,60}}\b(?:disabled|inactive|suspended|deactivated|locked|discontinued"
        r"|frozen|expired|not active|no longer active|on hold|temporarily unavailable)",
        r"closed (?:user|mailbox|account|address|recipient)", r"has been (?:disabled|suspended|deactivated|blocked|locked)",
        r"mailbox (?:currently )?(?:is )?unavailable due", r"not (?:been )?(?:logged|used) .{0,30}(?:days|months)",
    )),
    (Refusal.DEAD, any_of(
        *_NO_ONE, rf"(?:unknown|no such|invalid|non-?existent|not a valid|bad destination|illegal|unrecogni[sz]ed|undefined|wrong)"
        rf"[\s:'\"(]{{1,4}}(?:local |destination |delivery |final delivery |virtual |\S{{1,30}} )?{_WHOEVER}",
        rf"{_WHOEVER}\b[^.\n]{{0,80}}\b(?:unknown|does ?n[o']t exist|do(?:es)? not exist|not exist|not found|not known"
        r"|not recogni[sz]ed|not listed|is invalid|is not valid|not a valid|no longer exists?|no longer valid|no longer in use"
        r"|not correct|is wrong)",
        rf"(?:no|not a|n't a|not an?) (?:valid |known |local |such )?{_WHOEVER}\b.{{0,40}}\b"
        r"(?:here|by that name|with (?:that|this) name|at this|on this|named|called|in (?:our|this|the))",
        r"no (?:one|body) (?:here|by)", r"no mailbox(?:es)? (?:here|by|found|with)", r"unknown (?:user|recipient|local)", r"unroutable",
        r"(?:account|address|mailbox) (?:has been )?(?:closed|deleted|removed|terminated)", r"wasn'?t found at",
        r"(?:host|domain|server)(?: name)?\b[^\n]{0,80}\b"
        r"(?:not found(?!,? try again)|unknown|doesn'?t exist|does not exist|could ?n[o']t be found)",
        r"(?:unknown|no such|invalid) (?:host|domain)", r"host unknown", r"domain (?:name )?(?:is )?(?:invalid|not exist)",
        r"\bNXDOMAIN\b", r"not a member of", r"has (?:left|moved|changed)",
        r"no longer (?:with|employed|works?|at|on|available|accept|a customer)", r"address(?:es)? (?:was|were) not found",
        r"no matches? (?:to|for|found)", r"requested action not taken: mailbox (?:unavailable|not found)",
        r"mailbox unavailable or (?:not local|access)", r"not a user here", r"unrecogni[sz]ed[- ]?OR[- ]?name", r"unknown[- ]OR",
        r"is not a (?:local )?user", r"no account", r"can't find (?:user|recipient|mailbox)", r"not listed in", r"ADR\.Ex?Recip",
        r"RESOLVER\.ADR", r"n'existe pas", r"inexistan", r"non (?:esiste|trovato)", r"no existe",
        r"utilisateur (?:inconnu|non recens)", r"destinat[aá]rio.{0,30}(?:inexistente|desconhecid)",
        r"usuario.{0,20}(?:desconocido|inexistente)", r"宛先.{0,20}(?:存在しません|見つかりません)",
        r"メールアドレス.{0,20}(?:存在|ありません)", r"不存在",
    )),
    (Refusal.LATER, any_of(
        r"timed? ?out", r"connection (?:refused|lost|reset|timed)", r"(?:maximum|max)[- ]?time", r"retry (?:time|timeout)", r"too long",
        r"expired", r"temporar", r"try again", r"not respond", r"busy", r"gr[ea]y-?list", r"(?:delivery|number of) attempts",
        r"unreachable", r"no route to host", r"can(?:not|'t) connect", r"server (?:is )?(?:down|unavailable)", r"\d+ attempts",
        r"service (?:is )?(?:unavailable|not available)",
    )),
)  # fmt: skip
_REPLY = re.compile(r"(?<![\d.])[45]\d\d(?=[ \-]\D)|(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])")


def refusal_in(text: str) -> tuple[Refusal, str] | None:
    """The class that the words name, and the line that says so; None where they name none.

    Lines with a reply code come first: those are the server's own, the rest may be the advice of whoever wrote the report.
    """
    flat = re.sub(r"[ \t]*\r?\n[ \t]*", "\n", text)
    own = "\n".join(line for line in flat.splitlines() if _REPLY.search(line))
    return (_first(own) if own else None) or _first(flat)


def _first(flat: str) -> tuple[Refusal, str] | None:
    for refusal, words in _TABLE:
        found = words.search(flat)
        if found:
            start = flat.rfind("\n", 0, found.start()) + 1
            end = flat.find("\n", found.end())
            return refusal, flat[start : end if end >= 0 else len(flat)].strip()
    return None
