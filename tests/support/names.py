"""A small name server on loopback, UDP and TCP, with zones as plain values: what is asked really goes over the wire."""

import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

Zone = Mapping[str, Mapping[str, Sequence[str]]]
"""name -> type -> values; a TXT value of more than 255 bytes is cut into strings. `SERVFAIL` or `YXDOMAIN` as a type: the answer there."""
TROUBLES = ("SERVFAIL", "YXDOMAIN")


def text_rdata(value: str) -> str:
    """Surrogates are bytes that are no UTF-8."""
    raw = value.encode("utf-8", "surrogateescape")
    return " ".join('"' + "".join(f"\\{byte:03d}" for byte in raw[n : n + 255]) + '"' for n in range(0, max(1, len(raw)), 255))


@dataclass
class NameServer:
    """`zone` may be changed while it runs; `asked` lists the questions as `TYPE name`."""

    zone: dict[str, dict[str, Sequence[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def publish(self, zone: Zone) -> None:
        for name, records in zone.items():
            self.zone[name] = dict(records)

    def answer(self, query: bytes, *, udp: bool) -> bytes:
        message = dns.message.from_wire(query)
        question = message.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{kind} {name}")
        reply = dns.message.make_response(message, recursion_available=True)
        records = self.zone.get(name)
        if records is None:
            inner = any(known.endswith(f".{name}") for known in self.zone)  # an empty name between others exists (RFC 8020)
            reply.set_rcode(dns.rcode.NOERROR if inner else dns.rcode.NXDOMAIN)
        elif trouble := next((code for code in TROUBLES if code in records), None):
            reply.set_rcode(dns.rcode.from_text(trouble))
        elif values := records.get(kind):
            texts = [text_rdata(value) if kind == "TXT" else value for value in values]
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *texts))
        wire = reply.to_wire(max_size=65_535)
        if udp and len(wire) > (message.payload or 512):
            cut = dns.message.make_response(message, recursion_available=True)
            cut.flags |= dns.flags.TC
            wire = cut.to_wire()
        return wire


def _serve_udp(server: NameServer, sock: socket.socket) -> None:
    while True:
        try:
            query, sender = sock.recvfrom(65_535)
        except OSError:
            return
        if query == b"stop":
            return
        sock.sendto(server.answer(query, udp=True), sender)


def _serve_tcp(server: NameServer, sock: socket.socket) -> None:
    while True:
        try:
            line, _ = sock.accept()
        except OSError:
            return
        with line:
            head = line.recv(2)
            if len(head) < 2:
                return
            (length,) = struct.unpack("!H", head)
            query = b""
            while len(query) < length:
                query += line.recv(length - len(query))
            wire = server.answer(query, udp=False)
            line.sendall(struct.pack("!H", len(wire)) + wire)


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    """Answers on `.place`, for NURTURE_DNS_SERVER."""
    server = NameServer()
    tcp = socket.create_server(("127.0.0.1", 0))
    server.port = tcp.getsockname()[1]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", server.port))
    threads = [threading.Thread(target=serve, args=(server, sock), daemon=True) for serve, sock in ((_serve_udp, udp), (_serve_tcp, tcp))]
    for thread in threads:
        thread.start()
    yield server
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bye:
        bye.sendto(b"stop", ("127.0.0.1", server.port))
    socket.create_connection(("127.0.0.1", server.port)).close()
    for thread in threads:
        thread.join(5)
    udp.close()
    tcp.close()
