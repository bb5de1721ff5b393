"""Wrong passwords wear patience out, time brings it back, and a flood of names does not fill the memory."""

from datetime import timedelta

from api.dashboard import patience
from api.dashboard.patience import TRIES, WITHIN, Patience
from tests.support.people import NOW


def test_the_door_shuts_after_the_tries_and_opens_again() -> None:
    door = Patience()
    for number in range(TRIES):
        assert not door.ended(["anna"], NOW)
        door.note(["anna", "10.0.0.1"], NOW + timedelta(seconds=number))
    assert door.ended(["anna"], NOW + timedelta(minutes=1))
    assert door.ended(["bert", "10.0.0.1"], NOW + timedelta(minutes=1))
    assert not door.ended(["bert", "10.0.0.2"], NOW + timedelta(minutes=1))
    assert not door.ended(["anna"], NOW + WITHIN)


def test_a_flood_of_names_is_forgotten() -> None:
    door = Patience()
    for number in range(patience._REMEMBERED + 50):
        door.note([f"name {number}"], NOW)
    assert len(door._failed) == patience._REMEMBERED
