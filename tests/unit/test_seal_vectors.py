"""A second implementation of mod_kanzlei/io/seal/FORMAT.md, written from that page alone, compared
with vectors.json beside it. Run as a program it prints those vectors anew."""

import base64
import hashlib
import json
import struct
import sys
from pathlib import Path
from uuid import UUID

import nacl.bindings
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK = 65536
HEADER = 4096
FLAGS = {"middle": 0, "last": 1, "tail": 2}
FILE = Path(__file__).resolve().parents[2] / "mod_kanzlei" / "io" / "seal" / "vectors.json"


class Refused(Exception):
    """The object is damaged or is not the expected one."""


def wrap_aad(vector):
    version = struct.pack(">I", vector["version"])
    if "firm" in vector:
        return b"kanzleipost/1/firm-key" + version + struct.pack(">i", vector["firm"])
    return b"kanzleipost/1/document-key" + version + UUID(vector["document"]).bytes


def wrap(vector):
    sealed = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        bytes.fromhex(vector["key"]),
        wrap_aad(vector),
        bytes.fromhex(vector["nonce"]),
        bytes.fromhex(vector["by"]),
    )
    return struct.pack(">I", vector["version"]) + bytes.fromhex(vector["nonce"]) + sealed


def unwrap(vector):
    wrapped = bytes.fromhex(vector["wrapped"])
    assert len(wrapped) == 76
    assert struct.unpack(">I", wrapped[:4])[0] == vector["version"]
    return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
        wrapped[28:], wrap_aad(vector), wrapped[4:28], bytes.fromhex(vector["by"])
    )


def derive(master, purpose):
    message = b"kanzleipost/1/derive/" + purpose.encode()
    return hashlib.blake2b(message, key=master, digest_size=32).digest()


def chunk_aad(document, index, flag):
    return b"kanzleipost/ch/1" + struct.pack(">H16sQB", 1, document.bytes, index, FLAGS[flag])


def clear_header(document, wrapped):
    clear = b"\x89KZSEAL\n" + struct.pack(">HHB3xII", 1, 1, 1, HEADER, CHUNK)
    return clear + document.bytes + wrapped + bytes(12)


def count(size):
    return max(1, -(-size // CHUNK))


def write_object(vector):
    """Returns the object of a vector, with the nonces that it names."""
    key, document = bytes.fromhex(vector["key"]), UUID(vector["document"])
    cipher, plain = AESGCM(key), pattern(vector["size"])
    clear = clear_header(document, bytes.fromhex(vector["wrapped"]))
    text = vector["description"].encode()
    description = (struct.pack(">I", len(text)) + text).ljust(3940, b"\0")
    nonce = bytes.fromhex(vector["nonce"])
    out = clear + nonce + cipher.encrypt(nonce, description, b"kanzleipost/md/1" + clear)
    for index, nonce in enumerate(map(bytes.fromhex, vector["chunk_nonces"])):
        flag = "last" if index + 1 == count(len(plain)) else "middle"
        piece = plain[index * CHUNK : (index + 1) * CHUNK]
        out += nonce + cipher.encrypt(nonce, piece, chunk_aad(document, index, flag))
    return out


def read_object(data, key, document):
    """Returns description and plaintext of an object, or raises Refused."""
    cipher, clear = AESGCM(key), data[:128]
    if len(data) < HEADER or clear != clear_header(document, clear[40:116]):
        raise Refused("header")
    try:
        described = cipher.decrypt(data[128:140], data[140:HEADER], b"kanzleipost/md/1" + clear)
        (length,) = struct.unpack(">I", described[:4])
        if length > 3936 or any(described[4 + length :]):
            raise Refused("padding")
        meta = json.loads(described[4 : 4 + length].decode())
        if UUID(meta["document"]) != document:
            raise Refused("document")
        if len(data) != HEADER + meta["size"] + 28 * count(meta["size"]):
            raise Refused("length")
        plain = b""
        for index in range(count(meta["size"])):
            at = HEADER + index * (CHUNK + 28)
            flag = "last" if index + 1 == count(meta["size"]) else "middle"
            piece = data[at : at + CHUNK + 28]
            plain += cipher.decrypt(piece[:12], piece[12:], chunk_aad(document, index, flag))
    except (InvalidTag, ValueError, KeyError) as error:
        raise Refused(str(error)) from error
    if len(plain) != meta["size"] or hashlib.sha256(plain).hexdigest() != meta["sha256"]:
        raise Refused("content")
    return meta, plain


def pattern(size):
    """Returns the plaintext of an object vector: byte i is i modulo 251."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def damage(data, what):
    if "flip" in what:
        at = what["flip"]
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    if "cut" in what:
        return data[: len(data) - what["cut"]]
    return data + bytes(what["append"])


# --- the vectors, made anew ---


def drawn(*what):
    """Returns fixed bytes that look random: SHA-256 of a name."""
    return hashlib.sha256("/".join(map(str, what)).encode()).digest()


def make_wraps():
    firm = {"by": drawn("master", 3).hex(), "version": 3, "firm": 7}
    negative = {"by": drawn("master", 4294967295).hex(), "version": 4294967295, "firm": -2}
    document = {"by": drawn("firm").hex(), "version": 1}
    document["document"] = "01932c5e-7d1a-7abc-8def-0123456789ab"
    for number, vector in enumerate((firm, negative, document)):
        vector["nonce"] = drawn("wrap nonce", number)[:24].hex()
        vector["key"] = drawn("wrapped", number).hex()
        vector["wrapped"] = wrap(vector).hex()
    return [firm, negative, document]


def make_chunks():
    vectors = []
    for number, (index, flag) in enumerate(
        [(0, "middle"), (0, "last"), (0, "tail"), (258, "middle"), (2**31 - 1, "last")]
    ):
        key, nonce = drawn("chunk key", number), drawn("chunk nonce", number)[:12]
        document, plain = UUID(bytes=drawn("chunk document", number)[:16]), drawn("plain", number)
        sealed = AESGCM(key).encrypt(nonce, plain, chunk_aad(document, index, flag))
        vectors.append({"key": key.hex(), "document": str(document), "index": index, "flag": flag})
        vectors[-1].update({"plain": plain.hex(), "sealed": (nonce + sealed).hex()})
    return vectors


def make_object(name, size, client):
    document = str(UUID(bytes=drawn("document", size)[:16]))
    meta = {
        "firm": 7,
        "document": document,
        "client": client,
        "matter": None,
        "by": str(UUID(bytes=drawn("account")[:16])),
        "name": name,
        "type": "application/pdf",
        "at": 1732351234567890,
        "size": size,
        "sha256": hashlib.sha256(pattern(size)).hexdigest(),
    }
    vector = {
        "key": drawn("document key", size).hex(),
        "document": document,
        "wrapped": (drawn("wrapped") + drawn("wrapped 2") + drawn("wrapped 3"))[:76].hex(),
        "nonce": drawn("nonce", size)[:12].hex(),
        "description": json.dumps(meta, ensure_ascii=False),
        "size": size,
        "chunk_nonces": [drawn("nonce", size, i)[:12].hex() for i in range(count(size))],
    }
    data = write_object(vector)
    vector["object_sha256"] = hashlib.sha256(data).hexdigest()
    if size < 1000:
        vector["object"] = base64.b64encode(data).decode()
    return vector


def make():
    client = str(UUID(bytes=drawn("client")[:16]))
    names = {0: "leer.txt", 5: "Jahresabschluß 2025 – „Entwurf“.pdf", CHUNK: "a" * 255}
    names.update({CHUNK + 1: "\t\x01\x7f", 3 * CHUNK + 1234: "日本.pdf"})
    objects = [make_object(name, size, client) for size, name in names.items()]
    flips = [0, 9, 11, 12, 13, 18, 24, 40, 115, 127, 128, 140, 4079, 4080, 4095, 4096, 4108, 4123]
    refused = [{"of": of, "flip": at} for of in (0, 1) for at in flips]
    refused += [{"of": 4, "flip": at} for at in (4096, 69659, 69660, 135224, 200788, 202045)]
    refused += [
        {"of": of, "cut": n} for of, n in ((0, 1), (0, 28), (1, 1), (1, 33), (3, 29), (4, 1262))
    ]
    refused += [{"of": of, "append": n} for of, n in ((0, 1), (1, 28), (2, 29), (4, 65564))]
    master = drawn("master", 3)
    derived = [
        {"master": master.hex(), "purpose": p, "key": derive(master, p).hex()}
        for p in ("csrf", "wrong-password")
    ]
    return {
        "about": "Vectors of FORMAT.md. Hexadecimal; object is Base64. Plaintext byte i of an"
        " object is i modulo 251. Each of refused is an object with a bit 0 flipped, cut or"
        " prolonged by zeros.",
        "wrapped": make_wraps(),
        "derived": derived,
        "chunks": make_chunks(),
        "objects": objects,
        "refused": refused,
    }


# --- tests ---


@pytest.fixture(scope="module")
def vectors():
    return json.loads(FILE.read_text())


def test_wrapped_keys(vectors):
    assert len(vectors["wrapped"]) >= 3
    for vector in vectors["wrapped"]:
        assert unwrap(vector).hex() == vector["key"]
        assert wrap(vector).hex() == vector["wrapped"]
        damaged = dict(vector, firm=99, document=str(UUID(int=1)))
        with pytest.raises(nacl.exceptions.CryptoError):
            unwrap(damaged)


def test_derived_keys(vectors):
    assert vectors["derived"]
    for vector in vectors["derived"]:
        key = derive(bytes.fromhex(vector["master"]), vector["purpose"])
        assert key.hex() == vector["key"]


def test_chunks(vectors):
    assert len(vectors["chunks"]) >= 5
    for vector in vectors["chunks"]:
        cipher, sealed = AESGCM(bytes.fromhex(vector["key"])), bytes.fromhex(vector["sealed"])
        for flag in FLAGS:
            aad = chunk_aad(UUID(vector["document"]), vector["index"], flag)
            if flag == vector["flag"]:
                assert cipher.decrypt(sealed[:12], sealed[12:], aad).hex() == vector["plain"]
            else:
                with pytest.raises(InvalidTag):
                    cipher.decrypt(sealed[:12], sealed[12:], aad)


def test_objects(vectors):
    assert len(vectors["objects"]) >= 5
    for vector in vectors["objects"]:
        data = write_object(vector)
        assert hashlib.sha256(data).hexdigest() == vector["object_sha256"]
        if "object" in vector:
            assert base64.b64decode(vector["object"]) == data
        meta, plain = read_object(data, bytes.fromhex(vector["key"]), UUID(vector["document"]))
        assert plain == pattern(vector["size"])
        assert meta == json.loads(vector["description"])


def test_refused(vectors):
    assert len(vectors["refused"]) >= 20
    for what in vectors["refused"]:
        vector = vectors["objects"][what["of"]]
        data = damage(write_object(vector), what)
        with pytest.raises(Refused):
            read_object(data, bytes.fromhex(vector["key"]), UUID(vector["document"]))


def test_the_file_has_the_vectors_of_this_program(vectors):
    assert vectors == make()


if __name__ == "__main__":
    json.dump(make(), sys.stdout, ensure_ascii=False, indent=1)
    print()
