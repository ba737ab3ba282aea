"""The operator's master keys are proven: another key, or one that is missing, is said before
anything is sealed by it."""

import os

import pytest
from ctl_site import Site, site_with_firm


@pytest.fixture
def site(cluster, tmp_path):
    return site_with_firm(cluster, tmp_path)


def key(site, version):
    return site.folder / f"keys/master-{version}"


def put_key(site, version):
    """Puts a random key in the place of this version."""
    path = key(site, version)
    path.write_bytes(os.urandom(32))
    path.chmod(0o600)


def refused(site, sentence):
    """Each command that needs the key says this sentence, and changes nothing."""
    status = site.json("status", code=1)
    assert any(sentence in text for text in status["problems"])
    assert not status["master_keys"]
    assert not status["healthy"]
    found = site.json("check", code=1)["problems"]
    assert any(one["problem"] == "error" and sentence in one["detail"] for one in found)
    before = site.sql("SELECT count(*) FROM firm")
    for words in (("firm", "create", "other", "--name", "Other"), ("migrate",)):
        assert sentence in site.json(*words, code=1)["error"]
    assert site.sql("SELECT count(*) FROM firm") == before


def test_the_right_key(site):
    status = site.json("status", code=1)  # there is no scanner
    assert status["master_keys"]
    assert not any("KanzleiMasterKeys" in text for text in status["problems"])
    assert site.json("check")["problems"] == []


@pytest.mark.parametrize("noted", [True, False])
def test_another_key(site, noted):
    """An installation of an earlier version has noted no proof: its firms' keys prove as much."""
    if not noted:
        site.sql("DELETE FROM master_key")
    put_key(site, 1)
    refused(site, "master-1 in")
    assert any("is another key" in text for text in site.json("status", code=1)["problems"])


@pytest.mark.parametrize("noted", [True, False])
def test_a_key_that_firms_need_is_missing(site, noted):
    if not noted:
        site.sql("DELETE FROM master_key")
    key(site, 1).unlink()
    put_key(site, 2)
    refused(site, "is missing")


def test_the_key_of_another_installation(site, cluster, tmp_path):
    """Whoever restores the wrong database is told so, though the key is a right one elsewhere."""
    folder = tmp_path / "second"
    folder.mkdir()
    second = Site(cluster, folder)
    second.run("migrate")
    site.sql("DELETE FROM master_key")
    [(proof,)] = second.sql("SELECT proof FROM master_key")
    site.sql("INSERT INTO master_key (version, proof) VALUES (1, %s)", proof)
    refused(site, "is another key")


def test_a_key_that_no_firm_needs_may_go(site):
    put_key(site, 2)
    site.run("migrate")
    assert site.sql("SELECT version FROM master_key ORDER BY version") == [(1,), (2,)]
    key(site, 2).unlink()
    assert site.json("status", code=1)["master_keys"]
    put_key(site, 2)
    refused(site, "master-2 in")


def test_check_goes_on_after_the_error_of_one_firm(site):
    site.run("firm", "create", "other", "--name", "Other")
    site.run("staff", "create", "--firm", "other", "--user", "otto", "--name", "Otto", "--email",
             "otto@other.example", "--password-stdin", stdin="birke-fluss-7-lampe\n")  # fmt: skip
    site.run("event", "seal")
    whole = site.json("check")["events"]
    [(number,)] = site.sql("SELECT count(*) FROM event WHERE firm = 2")
    assert whole > number > 0
    damaged = "SET key = set_byte(key, 75, get_byte(key, 75) # 1)"
    site.sql(f"UPDATE firm {damaged} WHERE slug = 'muster'")
    answer = site.json("check", code=1)
    assert answer["found"] == len(answer["problems"]) > 0
    assert {one["firm"] for one in answer["problems"]} == {"muster"}
    assert answer["events"] == number
