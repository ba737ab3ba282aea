"""A second implementation of mod_kanzlei/model/proof/EVENTS.md, written from that page alone."""

import hashlib
import struct
from uuid import UUID

import nacl.exceptions
import nacl.signing

ZEROS = bytes(32)
LATE = 3600 * 10**6


def text(value):
    data = value.encode()
    return struct.pack(">i", len(data)) + data


def optional(value):
    return b"\0" if value is None else b"\1" + UUID(str(value)).bytes


def event_hash(firm, event):
    """EVENT: the columns of its row by name; at in microseconds."""
    data = b"kanzleipost/1/event" + struct.pack(">i", firm) + UUID(str(event["id"])).bytes
    data += struct.pack(">q", event["at"]) + text(event["kind"])
    for name in ("account", "client", "document", "subject"):
        data += optional(event[name])
    return hashlib.sha256(data + text(event["detail"])).digest()


def message(firm, seal, hashes):
    """SEAL: number, at, count, previous."""
    return (
        b"kanzleipost/1/event-seal"
        + struct.pack(">iqqi", firm, seal["number"], seal["at"], seal["count"])
        + seal["previous"]
        + hashlib.sha256(b"".join(hashes)).digest()
    )


def signing_key(firm_key):
    derived = b"kanzleipost/1/derive/event-seal"
    return nacl.signing.SigningKey(hashlib.blake2b(derived, key=firm_key, digest_size=32).digest())


def signed(signature, data, public):
    try:
        nacl.signing.VerifyKey(public).verify(data, signature)
    except nacl.exceptions.BadSignatureError:
        return False
    return True


def verify(firm, public, seals, sealed, events):
    """Returns the faults of a firm's chain. PUBLIC: its key; SEALS: in order of numbers; SEALED:
    rows (seal, place, event, hash) in order; EVENTS: by id, without events that wait for a seal."""
    wrong, number, previous, full_since = [], 0, ZEROS, None
    for seal in seals:
        number += 1
        if seal["number"] != number or seal["previous"] != previous or seal["key"] != public:
            wrong.append(("seal", seal["number"]))
        if full_since is not None:
            full_since = min(full_since, seal["at"])
        covered = [row for row in sealed if row["seal"] == seal["number"]]
        if [row["place"] for row in covered] != list(range(1, seal["count"] + 1)):
            wrong.append(("places", seal["number"]))
        data = message(firm, seal, [row["hash"] for row in covered])
        if seal["hash"] != hashlib.sha256(data).digest():
            wrong.append(("hash", seal["number"]))
        if not signed(seal["signature"], data, public):
            wrong.append(("signature", seal["number"]))
        for row in covered:
            event = events.get(row["event"])
            if event is None:
                wrong.append(("missing", row["event"]))
            elif event_hash(firm, event) != row["hash"]:
                wrong.append(("changed", row["event"]))
            elif full_since is not None and event["at"] < full_since - LATE:
                wrong.append(("late", row["event"]))
        previous = seal["hash"]
        full_since = seal["at"] if seal["count"] < 1000 else full_since
    wrong += [("seal", row["seal"]) for row in sealed if row["seal"] > number]
    known = {row["event"] for row in sealed}
    return wrong + [("added", ident) for ident in events if ident not in known]
