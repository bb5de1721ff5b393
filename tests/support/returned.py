"""Mails that come back, as the systems of the field write them."""

DAEMON = "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\nTo: bounces@letters.example.com\n"
RETURNED = "Content-Type: message/rfc822\n\nFrom: anna@example.com\nTo: mia@example.org\nSubject: Five questions\n\nHello\n"


def dsn(action: str, status: str, diagnostic: str, recipient: str = "mia@example.org", more: str = "") -> bytes:
    return (
        f"{DAEMON}Subject: Undelivered Mail Returned to Sender\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\nThis is the mail system at host mx.example.net.\n\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; {recipient}\n"
        f"Action: {action}\nStatus: {status}\nDiagnostic-Code: smtp; {diagnostic}\n{more}\n--b\n{RETURNED}--b--\n"
    ).encode()


def prose(text: str, subject: str = "failure notice", head: str = DAEMON) -> bytes:
    return f"{head}Subject: {subject}\n\n{text}".encode()


def report(kind: str, recipients: str = "Original-Rcpt-To: <mia@example.org>\n") -> bytes:
    return (
        "From: staff@feedback.example.net\nSubject: FW: Five questions\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nThis is an email abuse report.\n\n"
        f"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nUser-Agent: Feedback/1\nVersion: 1\n{recipients}\n--b\n{RETURNED}--b--\n"
    ).encode()


def reply(text: str, head: str = "", subject: str = "Re: Five questions") -> bytes:
    return f"From: Mia <mia@example.org>\nTo: anna@example.com\nSubject: {subject}\n{head}\n{text}".encode()


AWAY = {
    "rfc 3834": reply("I am away.", "Auto-Submitted: auto-replied\n"),
    "exchange": reply("I am away.", "X-Auto-Response-Suppress: All\n", "Automatic reply: Five questions"),
    "precedence": reply("Thank you, we have your mail.", "Precedence: auto_reply\n"),
    "english": reply("I cannot be reached; this address does not exist any more.", "", "Out of Office: Five questions"),
    "german": reply("Ich bin nicht im Büro.", "", "Abwesenheitsnotiz: Fragen"),
    "russian": reply("Меня нет.", "", "=?utf-8?b?0JDQstGC0L7QvtGC0LLQtdGC?="),
    "polish": reply("Nie ma mnie.", "", "Odpowiedź automatyczna: pytania"),
    "null sender": b"Return-Path: <>\n" + reply("I am away, user unknown at home.", "", "Out of office"),
}
