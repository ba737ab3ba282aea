"""A second implementation checks the vectors of EVENTS.md (model/proof/events.json).
Run as a program (PYTHONPATH=tests/lib) this prints them anew."""

import hashlib
import json
import sys
from pathlib import Path
from uuid import UUID

import event_proof
import pytest

FILE = Path(__file__).resolve().parents[2] / "mod_kanzlei" / "model" / "proof" / "events.json"


def drawn(*what):
    """Returns fixed bytes that look random: SHA-256 of a name."""
    return hashlib.sha256("/".join(map(str, what)).encode()).digest()


def ident(*what):
    return str(UUID(bytes=drawn(*what)[:16]))


def make_event(number, **columns):
    row = dict.fromkeys(("account", "client", "document", "subject"))
    row |= {"id": ident("event", number), "at": 1732351234567890 + number, "detail": ""} | columns
    return row


def make_events():
    everything = {name: ident(name) for name in ("account", "client", "document", "subject")}
    return [
        make_event(0, kind="signed_in"),
        make_event(1, kind="opened", **everything, detail="Jahresabschluß – „Entwurf“\n\t日本"),
        make_event(2, kind="locked", account=ident("a")),
        make_event(3, kind="locked", client=ident("a")),
        make_event(4, kind="locked", document=ident("a"), at=-1),
        make_event(5, kind="locked", subject=ident("a"), at=0),
        make_event(6, kind="x", detail="x" * 1000),
        make_event(7, kind="", detail="locked"),
    ]


def make():
    events = make_events()
    for number, event in enumerate(events):
        event["firm"] = (1, 2, 2147483647)[number % 3]
        event["hash"] = event_proof.event_hash(event["firm"], event).hex()
    key, previous, seals = drawn("firm key"), event_proof.ZEROS, []
    signer = event_proof.signing_key(key)
    for number, hashes in enumerate((events[:1], events[1:], events[:2]), 1):
        hashes = [bytes.fromhex(event["hash"]) for event in hashes]
        seal = {"number": number, "at": 1732351300000000 + number, "count": len(hashes)}
        seal["previous"] = previous
        data = event_proof.message(7, seal, hashes)
        previous = hashlib.sha256(data).digest()
        seal |= {"firm": 7, "previous": seal["previous"].hex(), "hash": previous.hex()}
        seal |= {"hashes": [one.hex() for one in hashes], "message": data.hex()}
        seals.append(seal | {"signature": signer.sign(data).signature.hex()})
    return {
        "about": "Vectors of EVENTS.md; bytes in hexadecimal.",
        "firm_key": key.hex(),
        "key": signer.verify_key.encode().hex(),
        "events": events,
        "seals": seals,
    }


@pytest.fixture(scope="module")
def vectors():
    return json.loads(FILE.read_text())


def test_the_file_has_the_vectors_of_this_program(vectors):
    assert vectors == make()


def test_hashes_differ(vectors):
    hashes = {event["hash"] for event in vectors["events"]}
    assert len(hashes) == len(vectors["events"]) >= 8


def test_seals(vectors):
    assert len(vectors["seals"]) >= 3
    public = bytes.fromhex(vectors["key"])
    for seal in vectors["seals"]:
        data, signature = bytes.fromhex(seal["message"]), bytes.fromhex(seal["signature"])
        assert len(data) == 112
        assert hashlib.sha256(data).hexdigest() == seal["hash"]
        assert event_proof.signed(signature, data, public)
        assert not event_proof.signed(signature, data + b"x", public)


if __name__ == "__main__":
    json.dump(make(), sys.stdout, ensure_ascii=False, indent=1)
    print()
