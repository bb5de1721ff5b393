"""A real SMTP server for tests: aiosmtpd in its own thread, with STARTTLS or TLS, AUTH, scripted answers, and lines that are cut on purpose."""

import asyncio
import ipaddress
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DROP = "drop"
"""In place of an answer: the line is cut (with RST), nothing is said."""
SILENT = "silent"
"""In place of an answer: nothing is said and the line stays open."""


@dataclass(frozen=True)
class Received:
    """One letter that came to its final dot. `raw` is what was meant: unstuffed, CRLF. `answer` is what the sender heard, or None."""

    sender: str
    recipient: str
    raw: bytes
    options: tuple[str, ...]
    encrypted: bool
    user: str | None
    answer: str | None


@dataclass
class SmtpSink:
    """`letters` are those answered with 250; `at_dot` all that came to the dot. `wire` holds every byte of the clients, as sent.

    `script(phase, answer, recipient=None, times=None)`: from then on that phase (`connect ehlo mail rcpt data dot rset`) is answered so.
    """

    host: str
    port: int
    tls: str = "none"
    username: str | None = None
    password: str | None = None
    context: ssl.SSLContext | None = None  # trusts this sink's certificate
    at_dot: list[Received] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    sessions: int = 0
    wire: bytearray = field(default_factory=bytearray)
    _scripts: list[list[Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        user = f"{self.username}:{self.password}@" if self.username else ""
        return f"smtp://{user}{self.host}:{self.port}?tls={self.tls}"

    @property
    def letters(self) -> list[Received]:
        return [r for r in list(self.at_dot) if r.answer and r.answer.startswith("250")]

    def to(self, recipient: str) -> list[Received]:
        return [r for r in self.letters if r.recipient == recipient]

    def script(self, phase: str, answer: str, recipient: str | None = None, times: int | None = None) -> None:
        with self._lock:
            self._scripts.append([phase, answer, recipient, times])

    def clear(self) -> None:
        """Forget scripts and letters, keep the server."""
        with self._lock:
            self._scripts.clear()
            self.at_dot.clear()
            self.commands.clear()

    def scripted(self, phase: str, recipient: str | None = None) -> str | None:
        with self._lock:
            for entry in self._scripts:
                if entry[0] == phase and entry[2] in (None, recipient) and entry[3] != 0:
                    if entry[3] is not None:
                        entry[3] -= 1
                    return str(entry[1])
        return None

    def count(self) -> Counter[str]:
        """Letters by recipient."""
        return Counter(r.recipient for r in self.letters)


class _Server(SMTP):
    """aiosmtpd, whose answers the sink may replace before anything is done."""

    def __init__(self, sink: SmtpSink, **options: Any) -> None:
        self.sink = sink
        super().__init__(_Handler(sink), hostname="sink.test", ident="sink", **options)
        self._auth_required = sink.username is not None  # set here, because its argument warns where there is no STARTTLS

    def connection_made(self, transport: Any) -> None:
        if not transport.get_extra_info("sslcontext"):
            self.sink.sessions += 1
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self.sink.wire += data
        super().data_received(data)

    async def push(self, status: Any) -> None:
        if isinstance(status, str) and status.startswith("220 sink.test") and (answer := self.sink.scripted("connect")):
            status = await self.obey(answer)
        await super().push(status)

    async def obey(self, answer: str) -> str:
        """The scripted answer; for a cut or silent line this never returns."""
        if answer == DROP:
            sock = self.transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        if answer in (DROP, SILENT):
            await asyncio.Event().wait()
        return answer

    async def _told(self, phase: str, arg: str | None) -> bool:
        """Whether the script answered this command."""
        self.sink.commands.append(f"{phase} {arg or ''}".strip())
        recipient = (arg or "").partition("<")[2].partition(">")[0] or None
        answer = self.sink.scripted(phase, recipient)
        if answer is None:
            return False
        await self.push(await self.obey(answer))
        if answer.startswith("421"):
            self.transport.close()
        return True

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - the name aiosmtpd calls
        if not await self._told("ehlo", hostname):
            await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - the name aiosmtpd calls
        if not await self._told("mail", arg):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - the name aiosmtpd calls
        if not await self._told("rcpt", arg):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - the name aiosmtpd calls
        recipient = self.envelope.rcpt_tos[0] if self.envelope.rcpt_tos else ""
        if not await self._told("data", f"<{recipient}>"):
            await super().smtp_DATA(arg)

    async def smtp_RSET(self, arg: str | None) -> None:  # noqa: N802 - the name aiosmtpd calls
        if not await self._told("rset", arg):
            await super().smtp_RSET(arg)


class _Handler:
    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    async def handle_DATA(self, server: _Server, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the name aiosmtpd calls
        recipient = envelope.rcpt_tos[0]
        answer = self._sink.scripted("dot", recipient) or "250 2.0.0 OK"
        said = None if answer in (DROP, SILENT) else answer
        self._sink.at_dot.append(
            Received(
                envelope.mail_from or "", recipient, bytes(envelope.original_content or b""), tuple(envelope.mail_options),
                session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
                session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else None, said,
            )
        )  # fmt: skip
        return await server.obey(answer)


@dataclass(frozen=True)
class Authority:
    """A self-made certificate authority and one server certificate by it."""

    context: ssl.SSLContext  # the client's: trusts the authority
    server: ssl.SSLContext
    certificate: Path


def make_authority(folder: Path, host: str = "localhost", valid: timedelta = timedelta(days=2)) -> Authority:
    """`host` is the name in the certificate; 127.0.0.1 is added when it is localhost. A negative `valid` makes it expired."""
    now = datetime.now(UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])

    def builder(subject: x509.Name, public: Any) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public).serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9)).not_valid_after(now + valid)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        )  # fmt: skip

    signing = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # certificates and their revocation, nothing else
    ca = builder(ca_name, ca_key.public_key()).add_extension(x509.BasicConstraints(True, None), critical=True)
    root = ca.add_extension(signing, critical=True).sign(ca_key, hashes.SHA256())
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    if host == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = builder(server_name, key.public_key()).add_extension(x509.SubjectAlternativeName(names), critical=False)
    signed = certificate.sign(ca_key, hashes.SHA256())
    folder.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(root.public_bytes(pem))
    (folder / "server.pem").write_bytes(signed.public_bytes(pem))
    (folder / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )  # fmt: skip
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    return Authority(ssl.create_default_context(cafile=str(folder / "ca.pem")), server, folder / "ca.pem")


def _options(sink: SmtpSink, authority: Authority | None, smtputf8: bool, size: int | None) -> dict[str, Any]:
    options: dict[str, Any] = {"enable_SMTPUTF8": smtputf8, "data_size_limit": size or 33_554_432}
    if sink.tls == "starttls" and authority:
        options |= {"tls_context": authority.server, "require_starttls": True}
    if sink.username:

        def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
            right = isinstance(data, LoginPassword) and (data.login, data.password) == (
                (sink.username or "").encode(),
                (sink.password or "").encode(),
            )
            return AuthResult(
                success=right, handled=False, message=None if right else "535 5.7.8 Authentication credentials invalid", auth_data=data
            )

        options |= {"authenticator": check, "auth_require_tls": sink.tls == "starttls"}
    return options


def _serve(
    sink: SmtpSink, authority: Authority | None, ready: threading.Event, stopped: "list[Callable[[], None]]", options: dict[str, Any]
) -> None:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # cut lines are meant
    asyncio.set_event_loop(loop)
    implicit = authority.server if authority and sink.tls == "tls" else None
    server = loop.run_until_complete(loop.create_server(lambda: _Server(sink, loop=loop, **options), sink.host, 0, ssl=implicit))
    sink.port = server.sockets[0].getsockname()[1]
    stopped.append(lambda: loop.call_soon_threadsafe(loop.stop))
    ready.set()
    loop.run_forever()
    server.close()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


class SinkMaker:
    """`make(tls="starttls", username=..., password=..., smtputf8=True, size=None, authority=None)` -> a running SmtpSink."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()

    def __call__(
        self, tls: str = "none", username: str | None = None, password: str | None = None, *, smtputf8: bool = True, size: int | None = None,
        authority: Authority | None = None,
    ) -> SmtpSink:  # fmt: skip
        if tls != "none":
            authority = authority or make_authority(self._folder)
        sink = SmtpSink("127.0.0.1", 0, tls, username, password, authority.context if authority else None)
        ready, stopped = threading.Event(), list[Callable[[], None]]()
        thread = threading.Thread(
            target=_serve, args=(sink, authority, ready, stopped, _options(sink, authority, smtputf8, size)), daemon=True
        )  # fmt: skip
        thread.start()
        if not ready.wait(10):
            raise RuntimeError("the SMTP sink did not start")
        self._stack.callback(thread.join, 10)
        self._stack.callback(stopped[0])
        return sink

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def smtp_sinks(tmp_path: Path) -> Iterator[SinkMaker]:
    """Makes as many SMTP servers as a test needs, each as it asks."""
    maker = SinkMaker(tmp_path / "smtp")
    yield maker
    maker.close()


@pytest.fixture
def smtp_sink(smtp_sinks: SinkMaker) -> SmtpSink:
    """A plain SMTP server on loopback that takes everything: `.url` for NURTURE_SMTP_URL, `.letters` for what came."""
    return smtp_sinks()
