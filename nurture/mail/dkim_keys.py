"""The folder of DKIM keys: one PEM file a key, named as its record, and one list a domain of those that sign.

    s2026a._domainkey.example.com.pem    the private key (PKCS 8), mode 0600
    example.com.signing                  the selectors that sign for example.com, one a line

Flat, so that a secret store can mount it; all processes that send need the same one. A key that is made does not sign before `use` names
it: a signature whose record is not published yet is worth less than none.
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import idna
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from nurture.domain.dns.dkim import PublishedKey
from nurture.domain.envelopes import Sign
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.mail.dkim import SigningKey, signer

RSA_BITS = 2048  # RFC 8301: signers use 2048; longer ones do not fit many name servers
LEAST_RSA_BITS = 1024
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_FILE = re.compile(r"(?P<selector>[a-z0-9-]+)\._domainkey\.(?P<domain>[a-z0-9.-]+)\.pem")
Kind = Literal["rsa", "ed25519"]
_PEM = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
Stamp = tuple[tuple[str, int, int], ...]


def host_name(domain: str) -> str:
    """The domain as it stands in records: lower case, A-label. Raises NurtureError."""
    try:
        found = idna.encode(domain.strip().rstrip("."), uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise NurtureError(f"{domain!r} is not a domain; write it as in example.com.") from error
    if "." not in found:
        raise NurtureError(f"{domain!r} is not a domain; write it as in example.com.")
    return found


def published(key: SigningKey) -> PublishedKey:
    """What belongs in the DNS for this key (RFC 6376 3.6.1; RFC 8463 4: the 32 bytes of an Ed25519 key stand there bare)."""
    public = key.private.public_key()
    if isinstance(key.private, RSAPrivateKey):
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return PublishedKey(key.domain, key.selector, "rsa", der, key.private.key_size)
    return PublishedKey(key.domain, key.selector, "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw), 256)


@dataclass(slots=True)
class KeyFolder:
    """`path` need not be there: then nothing is signed. What is read is kept until a file in it changes."""

    path: Path
    _stamp: Stamp = ()
    _keys: dict[str, tuple[SigningKey, ...]] = field(default_factory=dict, repr=False)

    def make(self, domain: str, selector: str, kind: Kind) -> SigningKey:
        """A new key, durable before it is told of. Raises NurtureError where the selector is taken: a record is never changed."""
        name = host_name(domain)
        if not _SELECTOR.fullmatch(selector):
            raise NurtureError(f"{selector!r} is not a selector; use small letters, digits and hyphens, as in s2026a.")
        private = generate_private_key(65537, RSA_BITS) if kind == "rsa" else Ed25519PrivateKey.generate()
        key = SigningKey(name, selector, private)
        with self._written(f"{selector}._domainkey.{name}.pem", private.private_bytes(*_PEM)) as (scratch, path):
            try:
                os.link(scratch, path)
            except FileExistsError as error:
                words = f"{name} has a key {selector} already; take another selector, a new key needs a new record."
                raise NurtureError(words, ErrorKind.CONFLICT) from error
        return key

    @contextlib.contextmanager
    def _written(self, name: str, content: bytes) -> Iterator[tuple[Path, Path]]:
        """The content, durable under another name and readable by its owner alone, and the path that is meant. Raises NurtureError."""
        scratch = self.path / f".{name}.{os.getpid()}"
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield scratch, self.path / name
        except OSError as error:
            words = f"the folder of DKIM keys {self.path} cannot be written: {error.strerror}; check NURTURE_DKIM_DIR."
            raise NurtureError(words) from error
        finally:
            with contextlib.suppress(OSError):
                scratch.unlink()

    def every(self, domain: str | None = None) -> list[SigningKey]:
        """All keys of the folder, or of one domain, by domain and selector. Raises NurtureError naming a file that cannot be read."""
        found = []
        for name, *_ in _stamp(self.path):
            match = _FILE.fullmatch(name)
            if match and domain in (None, match["domain"]):
                found.append(SigningKey(match["domain"], match["selector"], _load(self.path / name)))
        return sorted(found, key=lambda key: (key.domain, key.selector))

    def selectors(self, domain: str) -> tuple[str, ...]:
        """Those that sign for `domain`."""
        try:
            return tuple(self._list(domain).read_text(encoding="ascii").split())
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as error:
            raise NurtureError(f"{self._list(domain)} cannot be read; it lists the selectors that sign, one a line.") from error

    def use(self, domain: str, selectors: Iterable[str]) -> list[SigningKey]:
        """From now on these sign for the domain and no others, in every process that looks at this folder. Raises NurtureError."""
        name = host_name(domain)
        known = {key.selector: key for key in self.every(name)}
        chosen = [self._known(name, selector, known) for selector in dict.fromkeys(selectors)]
        if len({key.kind for key in chosen}) < len(chosen):
            raise NurtureError("Two keys of one kind do not sign together; name one RSA key, one Ed25519 key, or one of each.")
        with self._written(self._list(name).name, "".join(f"{key.selector}\n" for key in chosen).encode()) as (scratch, path):
            scratch.replace(path)
        return chosen

    def serving(self, sender_domain: str) -> list[tuple[SigningKey, bool]]:
        """The keys of the domain and its parents, up to the nearest one that signs, each with whether it signs. Raises NurtureError."""
        labels = host_name(sender_domain).split(".")
        found: list[tuple[SigningKey, bool]] = []
        for domain in (".".join(labels[start:]) for start in range(len(labels) - 1)):
            signing = self._in_use(domain)
            found += [(key, key.selector in {one.selector for one in signing}) for key in self.every(domain)]
            if signing:
                break
        return found

    def signer(self, sender_domain: str, now: datetime) -> Sign | None:
        """Signs for letters From this domain with the keys of the domain itself or its nearest parent; None where there are none.

        A relaxed DMARC record takes a parent's signature as well (RFC 9989 5.1); a stranger's would not align and is never made.
        """
        try:
            labels = host_name(sender_domain).split(".")
        except NurtureError:
            return None
        if (stamp := _stamp(self.path)) != self._stamp:
            self._stamp, self._keys = stamp, {}
        for domain in (".".join(labels[start:]) for start in range(len(labels) - 1)):
            if domain not in self._keys:
                self._keys[domain] = self._in_use(domain)
            if keys := self._keys[domain]:
                return signer(keys, now)
        return None

    def _in_use(self, domain: str) -> tuple[SigningKey, ...]:
        if not (selectors := self.selectors(domain)):
            return ()
        known = {key.selector: key for key in self.every(domain)}
        return tuple(self._known(domain, selector, known) for selector in selectors)

    def _known(self, domain: str, selector: str, known: dict[str, SigningKey]) -> SigningKey:
        if selector not in known:
            there = f"; there are: {', '.join(known)}" if known else ""
            words = f"There is no key {selector} for {domain} in {self.path}{there}; make one with `nurture dkim new`."
            raise NurtureError(words, ErrorKind.MISSING)
        return known[selector]

    def _list(self, domain: str) -> Path:
        return self.path / f"{domain}.signing"


def _load(path: Path) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        private = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise NurtureError(f"the DKIM key {path} cannot be read: {error.strerror}; the user that runs Nurture must be able to.") from error
    except (ValueError, TypeError) as error:
        raise NurtureError(f"{path} is not a private key in PEM without a password; put the key from your backup there.") from error
    if isinstance(private, Ed25519PrivateKey) or (isinstance(private, RSAPrivateKey) and private.key_size >= LEAST_RSA_BITS):
        return private
    raise NurtureError(f"{path} is no RSA key of at least {LEAST_RSA_BITS} bits and no Ed25519 key; DKIM knows only these.")


def _stamp(folder: Path) -> Stamp:
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.stat()) for entry in entries]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise NurtureError(f"the folder of DKIM keys {folder} cannot be read: {error.strerror}; check NURTURE_DKIM_DIR.") from error
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_ino) for name, stat in found))
