"""What the worker refuses to begin with, and halting and resuming by hand."""

import asyncio
import platform
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.bootstrap import open_app, secret_key
from nurture.cli.serving import claim, demo_settings, environment_of, served_at
from nurture.cli.session import main
from nurture.domain.errors import NurtureError
from nurture.settings import Settings, load_settings
from nurture.store.claims import count_claim
from nurture.store.mark import Mark, read_mark, write_mark
from nurture.store.workers import end, enlist
from nurture.store.workspace import WorkspaceRow, load_workspace
from nurture.worker import ClockWatch, Hand, accept_past, check_start, starting, steady_clock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def settings(folder: Path) -> Settings:
    return load_settings({"NURTURE_DATA_DIR": str(folder)})


async def test_a_restored_backup_starts_halted_until_resume(tmp_path: Path) -> None:
    async with open_app(settings(tmp_path)) as app:
        assert await check_start(app) is None
        async with app.db.read() as tx:
            identity = (await load_workspace(tx)).identity
        write_mark(tmp_path, Mark(identity, 40))
        reason = await check_start(app)
        assert reason is not None
        assert "restored backup" in reason
        assert await check_start(app) == reason, "a restart changes nothing"
        assert await accept_past(app) == reason
        assert read_mark(tmp_path) == Mark(identity, 0)
        assert await check_start(app) is None


@pytest.mark.parametrize("db_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_claim_of_another_worker_while_this_one_starts_is_no_backup(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They share the folder and the database, which lets one commit while the other reads."""
    shared = {"NURTURE_DATA_DIR": str(tmp_path), "NURTURE_DATABASE_URL": db_url, "NURTURE_SECRET_KEY": "a secret of the tests, long enough"}
    async with open_app(load_settings(shared)) as app:

        async def meanwhile(tx: AsyncConnection) -> WorkspaceRow:
            found = await load_workspace(tx)
            async with app.db.write() as other:
                mark = await count_claim(other)
            write_mark(tmp_path, mark)
            return found

        monkeypatch.setattr(starting, "load_workspace", meanwhile)
        assert await check_start(app) is None
        async with app.db.read() as tx:
            assert (await load_workspace(tx)).halted is None


def test_the_hands_of_a_worker_write_its_mark_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as hands:
        list(hands.map(lambda n: write_mark(tmp_path, Mark(b"1", n)), range(200)))
    assert read_mark(tmp_path) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.mark"]


async def test_a_new_data_folder_is_for_its_owner_alone_and_an_old_one_stays_as_it_is(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir(mode=0o750)
    for folder, mode in ((tmp_path / "new", 0o700), (old, 0o750)):
        async with open_app(settings(folder)):
            assert folder.stat().st_mode & 0o777 == mode


async def test_times_from_the_future_halt(tmp_path: Path) -> None:
    async with open_app(settings(tmp_path), clock=lambda: NOON) as app:
        async with app.db.write() as tx:
            await enlist(tx, "later", NOON + timedelta(minutes=1))
        assert await check_start(app) is None, "a minute is nothing"
        async with app.db.write() as tx:
            await enlist(tx, "much later", NOON + timedelta(hours=1))
        assert "from the future" in str(await check_start(app))


def test_a_clock_that_jumps_is_noticed_once() -> None:
    watch = ClockWatch(NOON, 100.0)
    assert watch.jumped(NOON + timedelta(hours=5), 100.0 + 5 * 3600) is None, "time that passed on both"
    assert watch.jumped(NOON + timedelta(seconds=100), 101.0) is None
    assert "jumped by -3600 s" in str(watch.jumped(NOON - timedelta(hours=1), 100.0))
    assert watch.jumped(NOON - timedelta(hours=1), 100.0) is None, "after `nurture resume` the new time counts"
    assert watch.jumped(NOON, 101.0) is None, "it was set right"
    assert "jumped by 86400 s" in str(watch.jumped(NOON + timedelta(days=1), 100.0))


async def test_nothing_leaves_after_a_jump_of_the_clock(tmp_path: Path) -> None:
    async with open_app(settings(tmp_path), clock=lambda: NOON + timedelta(hours=1, seconds=1)) as app:
        hand = Hand(app, "others", asyncio.Event(), ClockWatch(NOON, steady_clock()))
        await hand.send()
        assert hand.lease is None, "it did not even enlist"
        async with app.db.read() as tx:
            assert "the clock of this machine jumped" in str((await load_workspace(tx)).halted)


async def test_a_lease_that_was_not_renewed_for_two_thirds_of_its_silence_sends_nothing(tmp_path: Path) -> None:
    async with open_app(settings(tmp_path)) as app:
        hand = Hand(app, "others", asyncio.Event(), ClockWatch(app.clock(), steady_clock()))
        assert not hand.holds(), "no lease yet"
        lease = await hand.enlisted()
        assert hand.may_go_on()
        hand.renewed -= 20.1
        assert (hand.holds(), hand.may_go_on()) == (False, False)
        await hand.beat()
        assert hand.may_go_on()
        right, hand.clock = hand.clock, ClockWatch(app.clock() - timedelta(hours=1), steady_clock())
        assert not hand.may_go_on(), "no claim, intent or body by a clock that has jumped"
        hand.clock = right
        hand.stop.set()
        assert (hand.may_go_on(), hand.holds()) == (False, True), "a stop begins nothing and finishes what is on the wire"
        async with app.db.write() as tx:
            await end(tx, lease.id, app.clock())
        await hand.beat()
        assert (hand.lease, hand.holds()) == (None, False), "somebody else ended it"


async def test_a_lease_is_counted_from_before_it_was_asked_for(tmp_path: Path) -> None:
    """The watcher's silence may begin with the commit, however long its news took to come back."""
    async with open_app(settings(tmp_path)) as app:
        hand = Hand(app, "others", asyncio.Event(), ClockWatch(app.clock(), steady_clock()))
        for step in (hand.enlisted, hand.beat):
            async with app.db.write():
                asking = asyncio.ensure_future(step())
                await asyncio.sleep(0.02)
                meanwhile = steady_clock()
                assert not asking.done()
            await asking
            assert 0 < meanwhile - hand.renewed < 0.5


async def test_a_hand_knows_its_relays_and_which_is_in_use(tmp_path: Path) -> None:
    urls = "smtp://a:b@relay.example.com?name=news smtp://relay.example.com:26?tls=none"
    async with open_app(load_settings({"NURTURE_DATA_DIR": str(tmp_path), "NURTURE_SMTP_URL": urls})) as app:
        rules = Hand(app, "others", asyncio.Event(), ClockWatch(app.clock(), steady_clock())).rules()
        assert (rules.relays, rules.in_use()) == (("news", "relay.example.com:26"), "news")
        rules.avoid(["news"])
        assert rules.in_use() == "relay.example.com:26"


def test_a_secret_key_that_was_torn_is_told_of(tmp_path: Path) -> None:
    made = secret_key(settings(tmp_path))
    assert secret_key(settings(tmp_path)) == made
    assert [p.name for p in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "secret.key").write_text("")
    with pytest.raises(NurtureError, match="is empty"):
        secret_key(settings(tmp_path))


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("LOG_FORMAT", "xml", "write 'console' or 'json'"),
        ("IN_FLIGHT", "1", "write at least 2"),
        ("IN_FLIGHT", "many", "write a whole number"),
        ("SMTP_RATE", "0", "write more than 0"),
        ("SMTP_VERIFY", "perhaps", "write true or false"),
        ("SWEEP", "5", "write a whole number and a unit"),
        ("DATABASE_URL", "mysql://host/name", "write postgresql://"),
        ("REDIS_URL", "localhost", "write redis://"),
        ("BASE_URL", "letters.example.com", "write https://"),
        ("SECRET_KEY", "secret", "openssl rand"),
    ],
)
def test_a_wrong_setting_is_told_with_what_to_write(variable: str, value: str, words: str) -> None:
    with pytest.raises(NurtureError, match=f"NURTURE_{variable}") as told:
        load_settings({f"NURTURE_{variable}": value})
    assert words in told.value.message
    assert "Input should" not in told.value.message


async def test_a_database_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "nurture.db").write_text("a list of people, and no database" * 50)
    with pytest.raises(NurtureError, match=r"nurture\.db.*not a database.*NURTURE_DATA_DIR"):
        async with open_app(settings(tmp_path)):
            pass
    with pytest.raises(NurtureError, match=r"cannot be made.*NURTURE_DATA_DIR"):
        async with open_app(settings(tmp_path / "nurture.db" / "below")):
            pass
    closed = {"NURTURE_DATABASE_URL": "postgresql://nurture:geheim@127.0.0.1:1/list", "NURTURE_SECRET_KEY": "a secret of the tests"}
    with pytest.raises(NurtureError, match=r"cannot be opened.*that the server runs") as told:
        async with open_app(load_settings({"NURTURE_DATA_DIR": str(tmp_path)} | closed)):
            pass
    assert "geheim" not in told.value.message


def test_a_port_that_is_taken_is_told_before_anything_is_promised() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NurtureError, match=f"port {port} is taken.*--port {port + 1}"):
            claim("127.0.0.1", port)
    claim("127.0.0.1", port)
    with pytest.raises(NurtureError, match="no address of this machine"):
        claim("192.0.2.1", port)


def test_halt_and_resume_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path))
    for arguments in (["db", "upgrade"], ["halt", "a mistake in the letter"], ["resume"], ["resume"]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 0
    said = capsys.readouterr().out
    assert "newest schema" in said
    assert "it had stopped because: a mistake in the letter" in said
    assert "Nothing was halted." in said


def test_settings_reach_the_workers_whole(tmp_path: Path) -> None:
    given = {
        "NURTURE_DATA_DIR": str(tmp_path), "NURTURE_SMTP_URL": "smtp://u:p@host?tls=none", "NURTURE_SWEEP": "36h", "NURTURE_SMTP_VERIFY": "false",
        "NURTURE_SMTP_RATE": "14.5", "NURTURE_UNKNOWN_POLICY": "hold", "NURTURE_IN_FLIGHT": "7",
    }  # fmt: skip
    made = load_settings(given)
    passed = {k: v for k, v in environment_of(made).items() if k.startswith("NURTURE_")}
    again = load_settings(passed)
    assert {n: getattr(again, n) for n in Settings.model_fields} == {n: getattr(made, n) for n in Settings.model_fields}
    demo = demo_settings(made)
    assert (demo.smtp_url, demo.database_url, demo.redis_url) == (None, None, None)
    assert demo.data_dir != made.data_dir


def test_letters_link_to_where_the_service_is(tmp_path: Path) -> None:
    assert served_at(settings(tmp_path), "0.0.0.0", 9000).base_url == "http://127.0.0.1:9000"
    assert served_at(settings(tmp_path), "::1", 80).base_url == "http://[::1]:80"
    told = load_settings({"NURTURE_BASE_URL": "https://letters.example.com"})
    assert served_at(told, "127.0.0.1", 9000).base_url == "https://letters.example.com"


ONE_HEAP = """
import asyncio, ctypes, threading
from nurture.cli import session

async def work():
    for _ in range(8):
        thread = threading.Thread(target=lambda: bytearray(100_000))
        thread.start()
        thread.join()
    libc = ctypes.CDLL(None)
    libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
    libc.fflush(None)

session.run_service(work())
"""


def in_a_process(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_the_threads_of_a_service_share_one_heap() -> None:
    """Each connection to SQLite has a thread; heaps of their own were most of a worker's memory."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("another C library gives no heap to each thread")
    assert in_a_process(ONE_HEAP).count("<heap nr=") == 1
    assert in_a_process(ONE_HEAP.replace("session.run_service", "asyncio.run")).count("<heap nr=") > 1


def test_a_worker_loads_nothing_of_the_web_server_nor_of_redis() -> None:
    loaded = in_a_process("import sys; from nurture.cli import service, working; print(*sys.modules)").split()
    assert "nurture.worker" in loaded
    assert not {"api", "fastapi", "starlette", "uvicorn", "argon2", "redis"} & set(loaded)
