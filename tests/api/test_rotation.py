"""The secret key is changed: links of every purpose in old letters live on, new ones are signed by the new key alone, forged ones stay one same 404."""

import base64
import dataclasses
from pathlib import Path

import pytest

from api.app import create_app
from nurture.bootstrap import open_app
from nurture.domain.tokens import Purpose, Token, TokenKey, read, sign
from nurture.settings import Settings
from tests.api.conftest import House, client_of
from tests.api.test_public import EVERY, path_of
from tests.support.ledger import add_delivery, add_letter
from tests.support.people import add_people

OLD, NEW, OTHER = "the secret of the last year", "the secret of this year", "a secret of somebody else"


@pytest.mark.parametrize("purpose", Purpose)
def test_every_purpose_outlives_the_key_and_is_none_of_the_others(purpose: Purpose) -> None:
    old, new, other = (TokenKey.derive(s) for s in (OLD, NEW, OTHER))
    token = Token(purpose, 7, 8, 9)
    assert read(sign(token, old), purpose, [new, old]) == token
    assert read(sign(token, new), purpose, [new, old]) == token
    assert read(sign(token, old), purpose, [new]) is None
    assert read(sign(token, other), purpose, [new, old]) is None
    assert all(read(sign(token, old), q, [new, old]) is None for q in Purpose if q is not purpose)
    for mixed in (dataclasses.replace(old, id=new.id), dataclasses.replace(new, id=old.id), dataclasses.replace(other, id=old.id)):
        assert read(sign(token, mixed), purpose, [new, old]) is None  # the key that the token names did not sign it


async def test_old_letters_work_after_a_change_and_new_pages_sign_with_the_new_key(tmp_path: Path) -> None:
    async with open_app(Settings(data_dir=tmp_path, secret_key=OLD)) as app:
        [person] = await add_people(app.db, "anna@example.com")
        letter = await add_letter(app.db)
        delivery = await add_delivery(app.db, person, letter)
        sent = {p: sign(Token(p, delivery, person, letter[1]), app.keys[0]) for p in EVERY}
    answers = {}
    for name, settings in {
        "rotated": Settings(data_dir=tmp_path, secret_key=NEW, secret_key_old=OLD), "lost": Settings(data_dir=tmp_path, secret_key=NEW),
    }.items():  # fmt: skip
        async with open_app(settings) as app, client_of(create_app(app)) as client:
            house = House(app, client, client, lambda: None)  # type: ignore[arg-type]
            answers[name] = [(await client.get(path_of(p, sent[p]))).status_code for p in EVERY]
            fresh = [(await client.get(path_of(p, house.token(p, delivery, person, letter[1])))).status_code for p in EVERY]
            assert fresh == [200, 302, 200, 200]
            forged = [sign(Token(p, delivery, person, letter[1]), TokenKey.derive(OTHER)) for p in EVERY]
            swapped = [sent[q] for q in (*EVERY[1:], EVERY[0])]
            raw = bytearray(base64.urlsafe_b64decode(sent[Purpose.CLICK]))
            raw[1] = app.keys[0].id
            wrong = [*forged, *swapped, base64.urlsafe_b64encode(bytes(raw)).decode()]
            told = [await client.get(path_of(p, t)) for p, t in zip((*EVERY, *EVERY, Purpose.CLICK), wrong, strict=True)]
            assert {(a.status_code, a.content) for a in told} == {(404, told[0].content)}
            if name == "rotated":
                left = await client.post(path_of(Purpose.LEAVE, sent[Purpose.LEAVE]))
                own = left.text.split('action="/preferences/')[1].split('"')[0]
                assert read(own, Purpose.PREFERENCES, app.keys[:1]) is not None
    assert answers == {"rotated": [200, 302, 200, 200], "lost": [404] * 4}
