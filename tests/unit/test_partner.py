"""The demo's partner: it fails as it is told to, and its log tells the truth."""

import random
from collections.abc import Iterator

import httpx
import pytest

from tidegate_ops.demo.partner import Desk, Partner, Settings

BODY = b'{"flight_id": "EV3267-EWR-20130208"}'


def desk(*fates: float, failure_rate: float = 0.0, honour_idempotency: bool = True, down: bool = False) -> Desk:
    """A desk whose dice fall as given; without any given, each call succeeds."""

    class Dice(random.Random):
        def random(self) -> float:
            return next(falls, 0.99)

    falls = iter(fates)
    settings = Settings(failure_rate=failure_rate, honour_idempotency=honour_idempotency, down=down)
    return Desk(settings, Dice())


@pytest.fixture(scope="module")
def partner() -> Iterator[Partner]:
    with Partner(seed=7) as running:
        yield running


def test_a_repeated_call_gets_the_same_booking() -> None:
    """Same key, same body: booked once, counted twice."""
    partner_desk = desk()
    assert partner_desk.book("k", BODY) == partner_desk.book("k", BODY)
    assert [(booking.key, booking.calls) for booking in partner_desk.bookings] == [("k", 2)]


def test_a_key_with_another_body_is_refused() -> None:
    """A key names one request; another one under it is a fault of the caller's."""
    partner_desk = desk()
    partner_desk.book("k", BODY)
    assert partner_desk.book("k", b'{"flight_id": "other"}')[0] == 422
    assert len(partner_desk.bookings) == 1


def test_keys_can_be_ignored() -> None:
    """A partner that knows no idempotency books as often as it is called."""
    partner_desk = desk(honour_idempotency=False)
    references = {partner_desk.book("k", BODY)[1]["reference"] for _ in range(3)}
    assert len(references) == len(partner_desk.bookings) == 3


def test_a_failure_can_come_before_the_booking() -> None:
    """Then there is none."""
    partner_desk = desk(0.01, failure_rate=0.1)
    assert partner_desk.book("k", BODY)[0] == 500
    assert partner_desk.bookings == []


def test_a_failure_can_come_after_the_booking() -> None:
    """Then the answer is lost, and only the key finds the booking again."""
    partner_desk = desk(0.09, failure_rate=0.1)
    assert partner_desk.book("k", BODY)[0] == 500
    reference = partner_desk.bookings[0].reference
    assert partner_desk.book("k", BODY) == (201, {"reference": reference, "flight_id": "EV3267-EWR-20130208"})


@pytest.mark.parametrize(("key", "body"), [("", BODY), ("k", b"no JSON"), ("k", b"[]"), ("k", b"{}")])
def test_a_malformed_call_is_refused(key: str, body: bytes) -> None:
    """A key and a flight are needed."""
    assert desk().book(key, body)[0] == 400


def test_a_closed_desk_books_nothing() -> None:
    """While it is down every call fails in the same way."""
    closed = desk(down=True)
    assert closed.book("k", BODY)[0] == 503
    assert closed.bookings == []


def test_the_process_books_and_logs(partner: Partner) -> None:
    """Over HTTP it is the same desk."""
    answer = httpx.post(f"{partner.url}/bookings", content=BODY, headers={"Idempotency-Key": "over-http"})
    assert answer.status_code == 201
    assert answer.json()["reference"] in [booking.reference for booking in partner.log()]


def test_the_process_can_be_adjusted(partner: Partner) -> None:
    """What is named changes at once, the rest stays."""
    partner.adjust(down=True)
    assert httpx.post(f"{partner.url}/bookings", content=BODY).status_code == 503
    partner.adjust(down=False)
    assert httpx.post(f"{partner.url}/bookings", content=BODY).status_code == 400


@pytest.mark.parametrize("body", ['{"failure_rate": 2}', '{"mood": "bad"}', "[1]", "no JSON"])
def test_wrong_settings_are_refused(partner: Partner, body: str) -> None:
    """The answer says what is wrong; nothing changes."""
    answer = httpx.put(f"{partner.url}/settings", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"]
