"""A throw-away Dovecot with a mailbox for each test, where its program is on the machine; and a far end that says what no Dovecot would."""

import contextlib
import imaplib
import itertools
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.far_end import Far, Script
from tests.support.servers import free_port, missing

PASSWORD = "correct-horse"
_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
ssl = no
disable_plaintext_auth = no
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 0
last_valid_uid = 0
first_valid_gid = 0
last_valid_gid = 0
mail_location = maildir:{folder}/mail/%u
namespace inbox {{
  inbox = yes
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={mail_uid} gid={mail_gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class ImapServer:
    """`put(raw)` leaves a letter in the mailbox, as a mail server does, the first with UID 1; `seen()` counts those that were marked."""

    def __init__(self, folder: Path, port: int, user: str) -> None:
        self._box, self.port, self._user = folder / "mail" / user, port, user
        self._count = 0

    @property
    def url(self) -> str:
        return f"imap://{self._user}:{PASSWORD}@127.0.0.1:{self.port}/INBOX?tls=none"

    def put(self, raw: bytes) -> None:
        self._count += 1
        for name in ("new", "cur", "tmp"):
            (self._box / name).mkdir(parents=True, exist_ok=True)
        (self._box / "new" / f"{int(time.time())}.{self._count}.test").write_bytes(raw)
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", "mail:mail", str(self._box)], check=True)

    def flag(self, uid: int, flag: str, sign: str = "+") -> None:
        """As somebody does who reads the same mailbox; `-` takes the flag off."""
        with imaplib.IMAP4("127.0.0.1", self.port) as other:
            other.login(self._user, PASSWORD)
            other.select()
            other.uid("STORE", str(uid), f"{sign}FLAGS", rf"(\{flag})")
            other.expunge()

    def take_away(self, uid: int) -> None:
        self.flag(uid, "Deleted")

    def flags(self) -> list[str]:
        """Of each letter the initials of its flags."""
        return sorted(file.name.rpartition(":2,")[2] for file in (self._box / "cur").iterdir())

    def seen(self) -> int:
        return sum("S" in flags for flags in self.flags())


@pytest.fixture(scope="session")
def dovecot() -> Iterator[tuple[Path, int]]:
    """Its folder and its port; whoever signs in has a mailbox."""
    program = shutil.which("dovecot") or "/usr/sbin/dovecot"
    if not Path(program).exists():
        missing("dovecot")
    folder, port, root = Path(tempfile.mkdtemp(prefix="nurture-imap-")), free_port(), os.getuid() == 0
    folder.chmod(0o755)
    me = "nobody" if root else str(os.getuid())
    uid, gid = ("mail", "mail") if root else (str(os.getuid()), str(os.getgid()))
    user, group = (me, "nogroup") if root else (os.environ.get("USER", me), "")
    config = folder / "dovecot.conf"
    config.write_text(
        _CONFIG.format(folder=folder, port=port, user=user, group=group, password=PASSWORD, mail_uid=uid, mail_gid=gid), encoding="utf-8"
    )
    (folder / "mail").mkdir()
    (folder / "mail").chmod(0o777)
    process = subprocess.Popen([program, "-F", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.05)
        else:
            log = folder / "log"
            raise RuntimeError(f"dovecot did not start: {log.read_text() if log.exists() else ''}")
        yield folder, port
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


_USERS = itertools.count(1)


@pytest.fixture
def imap_server(dovecot: tuple[Path, int]) -> ImapServer:
    return ImapServer(*dovecot, f"letters{next(_USERS)}")


OK = ("OK done",)
_SAID: dict[str, tuple[str, ...]] = {"CAPABILITY": ("* CAPABILITY IMAP4rev1", *OK), "LOGOUT": ("* BYE", *OK)}


def obeying(heard: list[str], context: ssl.SSLContext | None = None, **answers: tuple[str, ...]) -> Script:
    """An IMAP server: to a command it says these lines, the last of them tagged, and OK to all others. `heard` gets the commands.

    Those under TLS begin with `tls `; `context` is for STARTTLS.
    """
    said = _SAID | answers

    async def script(far: Far) -> None:
        far.say("* OK far.test")
        while True:
            tag, _, command = (await far.line()).partition(" ")
            heard.append(f"tls {command}" if far.writer.get_extra_info("sslcontext") else command)
            *lines, last = said.get(command.removeprefix("UID ").split(" ")[0], OK)
            far.say(*lines, f"{tag} {last}")
            if command == "STARTTLS" and context:
                await far.writer.start_tls(context)

    return script
