"""kanzleictl on a real PostgreSQL: migrations, firms, staff, passwords, locks, status."""

import json
import re
import shutil
import subprocess

import nacl.pwhash
import pytest
from ctl_site import BUILD, PASSWORD, ROOT, SQL, Site
from scand_client import TESTDB, Scanner, until

COMMANDS = ["migrate", "firm create", "firm list", "staff create", "account list",
            "account password", "account unlock", "store initialise", "event seal", "check",
            "status", "scanner arguments"]  # fmt: skip

UNREADABLE = [
    "host=/nowhere user=x password=Tannen Wald7geheim",
    "host=/nowhere user=x password=Tannen Wald=7geheim",
    "host=/nowhere user=x password='Tannen Wald7geheim",
    "postgresql://x:Tannen%zzWald7geheim@db.invalid/kanzlei",
    "postgresql://x:Tannen@Wald7geheim@db.invalid/kanzlei",
    "postgresql://x:Tannen/Wald7geheim@db.invalid/kanzlei",
    "postgresql://x:7/Wald7geheim@db.invalid/kanzlei",
    "postgre://x:TannenWald7geheim@db.invalid/kanzlei",
    "postgre://x:TannenWald7geheim@db.invalid/kanzlei?sslmode=require",
]


@pytest.fixture
def empty(cluster, tmp_path):
    """An installation with an empty database."""
    return Site(cluster, tmp_path)


@pytest.fixture
def site(empty):
    """An installation with one firm."""
    empty.run("migrate")
    empty.make_firm()
    return empty


def account(site, user):
    columns = "id, password, locked_at, wrong, kind, language"
    row = site.sql(f"SELECT {columns} FROM account WHERE user_fold = %s", user)[0]
    return dict(zip(columns.split(", "), row, strict=True))


# --- migrate -------------------------------------------------------------------------------------


def copy_of_sql(folder, name="900_more.sql", text="CREATE SEQUENCE more;"):
    """Copies the folder sql, and adds one migration."""
    shutil.copytree(SQL, folder)
    (folder / "schema" / name).write_text(text)
    return folder


def has_policy(site, table):
    found = "SELECT 1 FROM pg_policies WHERE policyname = 'portal_select' AND tablename = %s"
    return site.sql(found, table) != []


def test_migrate_twice(empty):
    first = empty.json("migrate")
    assert first["applied"][0] == "001_portal"
    assert empty.json("migrate") == {"applied": [], "version": first["version"]}
    assert empty.sql("SELECT id::text FROM installation") == [(empty.installation,)]
    for store in empty.stores.values():
        assert (store / "kanzleipost-installation").exists()


def test_at_the_same_time(empty):
    both = [empty.start("--json", "migrate") for _ in range(3)]
    answers = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0, 0], answers
    applied = [name for out, _ in answers for name in json.loads(out)["applied"]]
    assert len(applied) == len(set(applied)) > 0


def test_newer_database(empty, tmp_path):
    empty.run("migrate", sql=copy_of_sql(tmp_path / "newer"))
    empty.sql("DROP POLICY portal_select ON matter")
    out, err = empty.run("migrate", code=1)
    assert out == ""
    assert err.count("\n") == 1
    assert "newer than this program" in err
    assert not has_policy(empty, "matter")


def test_migration_that_fails(empty, tmp_path):
    bad = "CREATE SEQUENCE more; SELECT 1 / 0;"
    sql = copy_of_sql(tmp_path / "sql", text=bad)
    _, err = empty.run("migrate", sql=sql, code=1)
    assert "900_more.sql" in err
    assert "division by zero" in err
    assert empty.sql("SELECT to_regclass('more')") == [(None,)]
    assert (900,) not in empty.sql("SELECT number FROM migration")
    (sql / "schema/900_more.sql").write_text("CREATE SEQUENCE more;")
    assert empty.json("migrate", sql=sql)["applied"] == ["900_more"]


def test_policies_are_applied_anew(site):
    site.sql("DROP POLICY portal_select ON client")
    site.sql("GRANT DELETE ON event TO kanzlei_portal")
    site.run("migrate", "--anew")
    assert has_policy(site, "client")
    may_delete = site.sql("SELECT has_table_privilege('kanzlei_portal', 'event', 'DELETE')")
    assert may_delete == [(False,)]
    assert site.json("firm", "list")["firms"]


def functions(site):
    made = site.sql(
        "SELECT p.oid::regprocedure::text, pg_get_function_result(p.oid), p.oid FROM pg_proc p"
        " WHERE p.pronamespace = 'public'::regnamespace AND left(p.proname, 3) = 'kz_'"
    )
    return {name: (result, oid) for name, result, oid in made}


def test_functions_are_replaced_not_dropped(site):
    """A running statement of the portal may need them."""
    before = functions(site)
    site.run("migrate", "--anew")
    assert functions(site) == before


def test_functions_of_former_versions(site):
    """They go, or get the present result, which CREATE OR REPLACE can't give them."""
    before = functions(site)
    with site.cluster.connect(site.database) as db:
        db.execute("SET ROLE kanzlei_owner")
        db.execute("DROP FUNCTION kz_upload_take, kz_enter_portal")
        for text in (
            "kz_upload_take(p_worker uuid, p_lease interval, p_life interval)"
            " RETURNS TABLE (firm int, id uuid, state text) LANGUAGE plpgsql AS 'BEGIN END'",
            "kz_enter_portal(p_firm int) RETURNS TABLE (firm_name text, firm_slug text, firm_key"
            " bytea, language text) LANGUAGE plpgsql AS 'BEGIN END'",
            "kz_firm(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "kz_status() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ):
            db.execute("CREATE FUNCTION " + text)
    site.run("migrate", "--anew")
    after = functions(site)
    assert {name: result for name, (result, _) in after.items()} == {
        name: result for name, (result, _) in before.items()
    }


def changed_rules(folder):
    """Copies the folder sql, and changes the text of the policies."""
    shutil.copytree(SQL, folder)
    with (folder / "policy/enter.sql").open("a") as file:
        file.write("-- changed\n")
    return folder


def test_policies_that_have_not_changed(site, tmp_path):
    """migrate leaves unchanged policies alone, and needs no lock: another transaction has locked
    all tables meanwhile."""
    site.sql("DROP POLICY portal_select ON client")
    with site.cluster.connect(site.database) as other, other.transaction():
        other.execute("LOCK TABLE client, event, job IN ACCESS EXCLUSIVE MODE")
        assert site.json("migrate")["applied"] == []
    assert not has_policy(site, "client")
    site.run("migrate", sql=changed_rules(tmp_path / "sql"))
    assert has_policy(site, "client")


def test_tables_are_in_use(site, tmp_path):
    sql = changed_rules(tmp_path / "sql")
    with site.cluster.connect(site.database) as other, other.transaction():
        other.execute("SELECT 1 FROM job")
        out, err = site.run("migrate", sql=sql, code=1)
        assert out == ""
        assert err.count("\n") == 1
        assert "another transaction holds the tables" in err
    site.run("migrate", sql=sql)


def test_portal_at_work_meanwhile(site, tmp_path):
    """The portal has locked one table and wants another, which migrate has locked: migrate gives
    way."""
    waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
    with site.cluster.connect(site.database) as other:
        other.execute("SET deadlock_timeout = '10min'")
        with other.transaction():
            other.execute("SELECT 1 FROM job")
            process = site.start("migrate", sql=changed_rules(tmp_path / "sql"))
            until(lambda: site.sql(waits, "job"), "migrate to wait for the table")
            other.execute("SELECT 1 FROM firm")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, ""), out


def test_statements_beside_the_program(empty, tmp_path):
    """kanzleictl finds its statements in any prefix: usr/bin/kanzleictl,
    usr/share/kanzleipost/sql."""
    (tmp_path / "usr/bin").mkdir(parents=True)
    shutil.copy2(BUILD / "kanzleictl", tmp_path / "usr/bin")
    copy_of_sql(tmp_path / "usr/share/kanzleipost/sql")
    applied = empty.json("migrate", env={"KANZLEI_SQL": ""}, build=tmp_path / "usr/bin")["applied"]
    assert applied[-1] == "900_more"


def test_database_of_another_installation(site):
    site.installation = "00000000-0000-4000-8000-000000000000"
    for store in site.stores.values():
        shutil.rmtree(store)
    site.configure(["one", "two"])
    _, err = site.run("migrate", code=1)
    assert "belongs to the installation" in err
    assert not list(site.stores["one"].iterdir())


def test_store_that_refuses(empty):
    stray = empty.stores["two"] / "holiday.jpg"
    stray.write_bytes(b"x")
    empty.run("migrate", code=1)
    assert empty.sql("SELECT 1 FROM installation") == []
    stray.unlink()
    empty.run("migrate")
    assert len(empty.sql("SELECT 1 FROM installation")) == 1


def test_role_is_missing(cluster, tmp_path):
    with cluster.connect() as db:
        db.execute("ALTER ROLE kanzlei_portal RENAME TO kanzlei_away")
        try:
            site = Site(cluster, tmp_path)
            _, err = site.run("migrate", code=1)
            assert "the role kanzlei_portal is missing" in err
            db.execute("ALTER ROLE kanzlei_owner CREATEROLE")
            site.run("migrate")
            assert site.json("firm", "list") == {"firms": []}
        finally:
            db.execute("ALTER ROLE kanzlei_owner NOCREATEROLE")
            db.execute(f"DROP DATABASE IF EXISTS {site.database} WITH (FORCE)")
            db.execute("DROP ROLE IF EXISTS kanzlei_portal")
            db.execute("ALTER ROLE kanzlei_away RENAME TO kanzlei_portal")


def test_without_owner(empty):
    _, err = empty.run("migrate", env={"KANZLEI_OWNER_DATABASE": ""}, code=2)
    assert "--database" in err
    empty.run("migrate", "--database", empty.conninfo("kanzlei_owner"),
              env={"KANZLEI_OWNER_DATABASE": ""})  # fmt: skip


@pytest.mark.parametrize("conninfo", UNREADABLE)
def test_a_connection_string_that_cannot_be_read(empty, conninfo):
    """The error repeats no part of it: that may be of the password."""
    config = empty.folder / "kanzlei.conf"
    text = config.read_text()
    own = empty.conninfo("kanzlei_portal")
    config.write_text(text.replace(f'"{own}"', f'"{conninfo}"'))
    assert config.read_text() != text
    _, at_status = empty.run("status", code=1)
    config.write_text(text)
    _, at_migrate = empty.run("migrate", "--database", conninfo, code=1)
    own = {"KANZLEI_OWNER_DATABASE": conninfo}
    _, at_firm = empty.run("firm", "create", "muster", "--name", "Muster", env=own, code=1)
    for said in (at_status, at_migrate, at_firm):
        assert "the connection string can't be read" in said
        assert said.count("\n") == 1
        assert not re.search("wald|7geheim|tannen", said, re.I)
    assert "KanzleiDatabase" in at_status


def test_a_connection_string_as_a_uri(site):
    """With the folder of a socket, and a password whose "@" and "/" are escaped."""
    folder = str(site.cluster.folder).replace("/", "%2F")
    uri = f"postgresql://kanzlei_owner:Tannen%40Wald%2F7geheim@{folder}/{site.database}"
    site.run("migrate", "--database", uri)
    site.run(
        "migrate", "--database", f"postgres:///{site.database}?host={folder}&user=kanzlei_owner"
    )


# --- firms ---------------------------------------------------------------------------------------


def test_firms(site):
    made = site.json("firm", "create", "zwei-firmen", "--name", "Zwei", "--email", "z@zwei.example",
                     "--language", "en")["firm"]  # fmt: skip
    found = site.json("firm", "list")["firms"]
    assert [firm["slug"] for firm in found] == ["muster", "zwei-firmen"]
    assert made.items() <= found[1].items()
    assert (made["name"], made["email"], made["language"]) == ("Zwei", "z@zwei.example", "en")
    keys = site.sql("SELECT octet_length(key) FROM firm GROUP BY key")
    assert keys == [(76,), (76,)]
    out, _ = site.run("firm", "list")
    assert [line.split()[0] for line in out.splitlines()] == ["muster", "zwei-firmen"]


@pytest.mark.parametrize("slug", ["ab", "-ab", "ab-", "Muster", "a b", "a/b", "ä-b", "a" * 41])
def test_bad_slugs(site, slug):
    _, err = site.run("firm", "create", "--name", "x", "--", slug, code=1)
    assert "3 to 40 characters" in err
    assert len(site.json("firm", "list")["firms"]) == 1


def test_a_firm_that_exists_already(site):
    _, err = site.run("firm", "create", "muster", "--name", "x", code=1)
    assert err == 'kanzleictl: there is a firm "muster" already\n'


def test_the_portals_role_can_not_make_a_firm(site):
    _, err = site.run("firm", "create", "neu", "--name", "x", "--database",
                      site.conninfo("kanzlei_portal"), code=1)  # fmt: skip
    assert "permission denied" in err


# --- staff and accounts --------------------------------------------------------------------------


def staff(site, user, *more, **how):
    words = ["--firm", "muster", "--user", user, "--name", "Bert Beispiel", *more]
    return site.run("staff", "create", *words, **how)


def test_administrator(site):
    row = account(site, "anna")
    assert nacl.pwhash.verify(row["password"].encode(), PASSWORD.encode())
    assert row["kind"] == "staff"
    assert row["language"] == "de"
    rights = site.sql('SELECT name FROM "right" WHERE staff = %s ORDER BY name', row["id"])
    assert rights == [("admin",), ("all",)]
    assert site.sql("SELECT kind, account FROM event") == [("staff_created", None)]


def test_rights_and_language(site):
    staff(site, "Bert", "--right", "clients", "--right", "all", "--right", "clients",
          "--language", "en", "--password-stdin", stdin=PASSWORD)  # fmt: skip
    row = account(site, "bert")
    rights = site.sql('SELECT name FROM "right" WHERE staff = %s ORDER BY 1', row["id"])
    assert rights == [("all",), ("clients",)]
    assert row["language"] == "en"


def test_invitation(site):
    staff(site, "bert", "--email", "bert@muster.example", "--invite")
    row = account(site, "bert")
    assert row["password"] is None
    jobs = site.sql("SELECT kind, state, data FROM job")
    ((kind, state, data),) = jobs
    assert (kind, state) == ("mail", "waiting")
    assert (data["account"], data["purpose"]) == (str(row["id"]), "invitation")


@pytest.mark.parametrize(
    ("more", "stdin", "code", "words"),
    [
        ([], "x\n", 2, "one of --password-stdin and --invite"),
        (["--invite", "--password-stdin"], "x\n", 2, "one of --password-stdin and --invite"),
        (["--invite"], "", 1, "an invitation needs a mail address"),
        (["--password", PASSWORD], "", 2, "invalid option"),
        (["--password-stdin"], "", 1, "no password"),
        (["--password-stdin"], "\nx\n", 1, "no password"),
        (["--password-stdin"], "Linden\0baum-7-Sonnenblume\n", 1, "a NUL in it"),
        (["--password-stdin"], "x" * 1001, 1, "longer than 1000"),
        (["--password-stdin", "--right", "root"], "x\n", 1, 'no right "root"'),
        (["--password-stdin", "--language", "fr"], "x\n", 1, "de or en"),
        (["--password-stdin", "--email", "nobody"], "x\n", 1, "no mail address"),
    ],
)
def test_refused_staff(site, more, stdin, code, words):
    _, err = staff(site, "bert", *more, stdin=stdin, code=code)
    assert words in err
    assert site.sql("SELECT 1 FROM account WHERE user_fold = 'bert'") == []


def test_a_user_name_that_exists_already(site):
    _, err = staff(site, "ANNA", "--password-stdin", stdin=PASSWORD, code=1)
    assert err.endswith('the user name "ANNA" is taken\n')


def password(site, user="anna", firm="muster", **how):
    words = ["--firm", firm, "--user", user, "--password-stdin"]
    return site.run("account", "password", *words, **how)


def lock(site):
    site.sql("UPDATE account SET wrong = 3, wrong_at = now(), locked_at = now()")


def test_password(site):
    lock(site)
    who = account(site, "anna")["id"]
    site.sql("INSERT INTO session (firm, id, account, token, idle, ends) SELECT firm, id, id,"
             " sha256('t'), '1 hour', now() + interval '1 hour' FROM account")  # fmt: skip
    site.sql("INSERT INTO code (firm, id, account, purpose, hash, expires) SELECT firm, id, id,"
             " 'password', sha256('c'), now() + interval '1 hour' FROM account")  # fmt: skip
    _, err = password(site, "Anna", stdin="tanne-see-9-kerze\r\nmore\n")
    assert err == ""
    row = account(site, "anna")
    assert nacl.pwhash.verify(row["password"].encode(), b"tanne-see-9-kerze")
    assert (row["locked_at"], row["wrong"]) == (None, 0)
    assert site.sql("SELECT 1 FROM session") == []
    assert site.sql("SELECT 1 FROM code WHERE used_at IS NULL") == []
    assert site.sql("SELECT subject FROM event WHERE kind = 'password_set'") == [(who,)]


def test_weak_password_is_set_with_a_warning(site):
    _, err = password(site, stdin="anna2026\n")
    assert "easily guessed" in err
    assert "anna2026" not in err
    assert nacl.pwhash.verify(account(site, "anna")["password"].encode(), b"anna2026")


def test_password_of_an_unknown_user(site):
    assert 'no account "bert"' in password(site, "bert", stdin="x\n", code=1)[1]
    assert 'no firm "nix"' in password(site, firm="nix", stdin="x\n", code=1)[1]
    assert nacl.pwhash.verify(account(site, "anna")["password"].encode(), PASSWORD.encode())


def test_same_user_name_in_another_firm(site):
    site.run("firm", "create", "other", "--name", "Other")
    site.run("staff", "create", "--firm", "other", "--user", "anna", "--name", "A",
             "--password-stdin", stdin="x\n")  # fmt: skip
    password(site, firm="other", stdin="tanne-see-9-kerze\n")
    mine = site.sql("SELECT a.password FROM account a JOIN firm f ON f.id = a.firm"
                    " WHERE f.slug = 'muster'")[0][0]  # fmt: skip
    assert nacl.pwhash.verify(mine.encode(), PASSWORD.encode())


def test_unlock(site):
    words = ["account", "unlock", "--firm", "muster", "--user", "anna"]
    assert site.json(*words)["was_locked"] is False
    lock(site)
    assert site.json("account", "list", "--firm", "muster")["accounts"][0]["locked"]
    assert site.json(*words)["was_locked"] is True
    assert account(site, "anna")["locked_at"] is None
    assert site.sql("SELECT count(*) FROM event WHERE kind = 'unlocked'") == [(1,)]


def test_long_list(site):
    site.sql("INSERT INTO account (firm, id, kind, user_name, name) SELECT 1, gen_random_uuid(),"
             " 'client', 'User-' || n, 'N' FROM generate_series(1, 450) n")  # fmt: skip
    users = [row["user"] for row in site.json("account", "list", "--firm", "muster")["accounts"]]
    assert len(users) == 451
    assert set(users) == {"anna", *(f"User-{n}" for n in range(1, 451))}
    assert len(site.run("account", "list", "--firm", "muster")[0].splitlines()) == 451


# --- status --------------------------------------------------------------------------------------


def test_healthy(site, tmp_path):
    with Scanner(tmp_path, "--fallback", TESTDB, signatures=tmp_path / "none") as scanner:
        site.socket = scanner.path
        site.configure(site.stores)
        status = site.json("status")
        assert status["healthy"], status
        assert status["scanner"]["test_signatures_only"]
        assert all(store["good"] and store["free"] > 0 for store in status["stores"])
        assert status["database"]["version"] == status["database"]["program"]
        assert "TEST SIGNATURES ONLY" in site.run("status")[0]
        site.demonstration = ""
        site.configure(site.stores)
        status = site.json("status", code=1)
        assert ["TEST SIGNATURES ONLY" in text for text in status["problems"]] == [True]


def problems(site):
    status = site.json("status", code=1)
    assert status["healthy"] is False
    return "\n".join(status["problems"])


def test_scanner_is_down(site):
    assert "the scanner is down" in problems(site)


def test_store_is_gone(site):
    shutil.rmtree(site.stores["two"])
    assert "the store two is down" in problems(site)


def test_database_is_older(site, tmp_path):
    sql = copy_of_sql(tmp_path / "newer")
    status = site.json("status", "--sql", sql, code=1)
    assert any("older than the program" in text for text in status["problems"])


def test_database_is_down(site):
    site.cluster.stop()
    try:
        assert "database: " in problems(site)
        _, err = site.run("firm", "list", code=1)
        assert err.startswith("kanzleictl: database: ")
        assert err.count("\n") == 1
    finally:
        site.cluster.start()


def test_failed_jobs(site):
    site.sql("INSERT INTO job (firm, id, kind, data, state, error, tries) VALUES"
             " (1, gen_random_uuid(), 'mail', '{}', 'failed', 'mailbox is full', 9),"
             " (1, gen_random_uuid(), 'mail', '{}', 'waiting', 'greylisted', 1),"
             " (1, gen_random_uuid(), 'mail', '{}', 'waiting', '', 0)")  # fmt: skip
    status = site.json("status", code=1)["database"]
    assert (status["jobs_waiting"], status["jobs_failed"]) == (2, 1)
    assert {job["error"] for job in status["jobs"]} == {"mailbox is full", "greylisted"}
    failed = next(job for job in status["jobs"] if job["state"] == "failed")
    assert "invitation" in failed["means"]  # the meaning, and the recipient
    assert "jobs have failed" in problems(site)


def test_jobs_that_wait_too_long(site):
    late = "now() - interval '11 minutes'"
    site.sql("DELETE FROM event_unsealed")
    site.sql("INSERT INTO job (firm, id, kind, data, due, worker, lease) VALUES"
             " (1, gen_random_uuid(), 'mail', '{}', now() + interval '1 day', NULL, NULL),"
             f" (1, gen_random_uuid(), 'mail', '{{}}', {late}, gen_random_uuid(),"
             " now() + interval '1 minute')")  # fmt: skip
    status = site.json("status", code=1)
    assert status["database"]["jobs_oldest"] is None
    assert not any("nobody does the jobs" in text for text in status["problems"])
    site.sql("INSERT INTO job (firm, id, kind, data, due) VALUES"
             f" (1, gen_random_uuid(), 'mail', '{{}}', {late})")  # fmt: skip
    assert "nobody does the jobs" in problems(site)
    assert site.json("status", code=1)["database"]["jobs_oldest"]


def test_events_that_stay_unsealed(site):
    assert "events are not sealed" not in problems(site)
    site.sql("UPDATE event_unsealed SET since = now() - interval '12 minutes'")
    assert "events are not sealed" in problems(site)
    site.run("event", "seal")
    assert "events are not sealed" not in problems(site)


# --- use -----------------------------------------------------------------------------------------


def test_help(empty):
    whole = empty.run("help")[0]
    assert whole == empty.run("--help")[0]
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", whole, re.M)
        text = empty.run(*command.split(), "--help")[0]
        assert text.startswith(f"Usage: kanzleictl {command}")
        assert text == empty.run("help", *command.split())[0]


@pytest.mark.parametrize(
    "words",
    [[], ["firm"], ["nix"], ["firm", "list", "more"], ["firm", "create", "--name", "x"],
     ["check", "--nix"], ["--nix"], ["firm", "list", "--config"], ["help", "nix"]],
)  # fmt: skip
def test_wrong_use(empty, words):
    out, err = empty.run(*words, code=2)
    assert out == ""
    assert err


@pytest.mark.parametrize(
    "url", ["http://portal.example", "portal.example", "https://", "https://portal.example/",
            "https://portal.example/post", "https://a@portal.example", "https://:443"],
)  # fmt: skip
def test_the_address_is_https_and_a_host(empty, url):
    path = empty.folder / "kanzlei.conf"
    path.write_text(path.read_text().replace("https://portal.example", url))
    answer = empty.json("firm", "list", code=1)
    assert f'KanzleiUrl is https://host[:port], not "{url}"' in answer["error"]


def test_configuration_is_missing(empty):
    (empty.folder / "kanzlei.conf").unlink()
    answer = empty.json("firm", "list", code=1)
    assert "kanzlei.conf" in answer["error"]


def complete(*words):
    """Returns the completions that bash offers for the last of WORDS."""
    script = """
        . "$1"; shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        _kanzleictl "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "-euc", script, "bash", ROOT / "mod_kanzlei/ctl/completion.bash",
         BUILD / "kanzleictl", *words],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr == ""
    return set(done.stdout.split())


def test_completion():
    families = {command.split()[0] for command in COMMANDS}
    assert complete("") == families | {"help", "--config", "--json", "--help"}
    assert complete("acc") == {"account"}
    assert complete("account", "") >= {"list", "password", "unlock"}
    assert complete("--config", "x.conf", "--json", "firm", "c") == {"create"}
    assert complete("help", "firm", "l") == {"list"}
    assert complete("check", "--re") == {"--repair", "--remove-unknown"}
    assert complete("staff", "create", "--firm", "check", "--pass") == {"--password-stdin"}
    assert complete("staff", "create", "--right", "c") == {"clients"}
    assert complete("staff", "create", "--language", "") == {"de", "en"}
    assert complete("staff", "create", "--name", "help", "--ri") == {"--right"}
    assert complete("staff", "create", "--user", "") == set()
    assert complete("migrate", "--sql", "/et") == {"/etc"}
    assert complete("--config", "/etc/host") >= {"/etc/hosts"}
