"""A scratch PostgreSQL cluster, and installations of Kanzleipost on it, for kanzleictl alone."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
PLAIN = Path(os.environ.get("KZ_BUILD", ROOT / "build"))
BUILD = Path(os.environ.get("KZ_BUILD_ASAN", PLAIN))  # sanitizers find more
SQL = ROOT / "sql"
PASSWORD = "birke-fluss-7-lampe"


def postgres_bin():
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4])
    )
    assert folders, "PostgreSQL's server is not installed: apt-get install postgresql"
    return folders[-1].parent


class Cluster:
    """One server, reached by a socket in a folder of its own. Root runs it as "postgres"."""

    def __init__(self, **settings):
        self.settings = "".join(f" -c {name}={value}" for name, value in settings.items())
        self.folder = Path(tempfile.mkdtemp(prefix="kanzleictl-"))
        self.folder.chmod(0o755)
        self.run_as = {}
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.run_as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.bin, self.number = postgres_bin(), 0
        self.tool("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync",
                  "--locale=C.UTF-8")  # fmt: skip
        self.start()

    def tool(self, name, *arguments):
        subprocess.run(
            [self.bin / name, "-D", self.folder / "data", *arguments],
            check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **self.run_as,
        )  # fmt: skip

    def start(self):
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off"
        options += self.settings
        self.tool("pg_ctl", "-w", "-s", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self):
        self.tool("pg_ctl", "-w", "-s", "-m", "immediate", "stop")

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder)

    def conninfo(self, user, database):
        return f"host={self.folder} user={user} dbname={database}"

    def connect(self, database="postgres"):
        return psycopg.connect(self.conninfo("postgres", database), autocommit=True)

    def make_roles(self):
        with self.connect() as db:
            for role in ("kanzlei_owner LOGIN", "kanzlei_portal LOGIN NOINHERIT"):
                try:
                    db.execute(f"CREATE ROLE {role}")
                except psycopg.errors.DuplicateObject:
                    pass

    def new_database(self):
        self.number += 1
        name = f"kanzlei_{self.number}"
        with self.connect() as db:
            db.execute(f"CREATE DATABASE {name} OWNER kanzlei_owner TEMPLATE template0")
        return name


def unit_program(name, build=BUILD):
    """Makes the program NAME of tests/unit by the Makefile of BUILD; returns its path."""
    subprocess.run(["make", "-s", "-C", build.parent, f"{build.name}/unit/{name}"], check=True)
    return build / "unit" / name


class Site:
    """One installation: a database, stores, keys and the file that kanzleictl reads."""

    def __init__(self, cluster, folder, stores=("one", "two"), demonstration="on"):
        self.cluster, self.folder = cluster, folder
        self.database = cluster.new_database()
        self.installation = str(uuid.uuid4())
        self.demonstration, self.socket = demonstration, folder / "scand.sock"
        for name in ("spool", "keys", "html", "mail"):
            (folder / name).mkdir()
        (folder / "keys/master-1").write_bytes(os.urandom(32))
        (folder / "keys/master-1").chmod(0o600)
        self.configure(stores)

    def configure(self, stores):
        """Writes the configuration, with stores of these names."""
        self.stores = {name: self.folder / f"store-{name}" for name in stores}
        for path in self.stores.values():
            path.mkdir(exist_ok=True)
        lines = {
            "KanzleiUrl": "https://portal.example",
            "KanzleiInstallation": self.installation,
            "KanzleiDatabase": self.conninfo("kanzlei_portal"),
            "KanzleiSpool": self.folder / "spool",
            "KanzleiMasterKeys": self.folder / "keys",
            "KanzleiHtml": self.folder / "html",
            "KanzleiScanner": self.socket,
            "KanzleiMail": f"dir:{self.folder / 'mail'}",
            "KanzleiMailFrom": "portal@kanzlei.example",
            "KanzleiPasswordMemory": "8M",
            "KanzleiDatabaseTimeout": "20s",
            "KanzleiDemonstration": self.demonstration,
        }
        text = [f'{name} "{value}"' for name, value in lines.items()]
        text += [f'KanzleiStore {name} "dir:{path}"' for name, path in self.stores.items()]
        (self.folder / "kanzlei.conf").write_text("\n".join(text) + "\n")

    def conninfo(self, user):
        return self.cluster.conninfo(user, self.database)

    def start(self, *words, stdin="", env=None, sql=SQL, build=BUILD):
        """Starts kanzleictl with WORDS; returns the running process."""
        own = {"KANZLEI_OWNER_DATABASE": self.conninfo("kanzlei_owner"), "KANZLEI_SQL": str(sql)}
        process = subprocess.Popen(
            [build / "kanzleictl", "--config", self.folder / "kanzlei.conf", *map(str, words)],
            env={**os.environ, **own, **(env or {})},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None
        return process

    def run(self, *words, code=0, **how):
        """Runs kanzleictl, which must exit with CODE; returns its outputs."""
        process = self.start(*words, **how)
        out, err = process.communicate()
        assert process.returncode == code, f"exit code {process.returncode}\n{out}{err}"
        assert "Sanitizer" not in err, err
        return out, err

    def json(self, *words, **how):
        return json.loads(self.run("--json", *words, **how)[0])

    def sql(self, statement, *arguments):
        """Runs a statement past row-level security."""
        with self.cluster.connect(self.database) as db:
            cursor = db.execute(statement, arguments)
            return cursor.fetchall() if cursor.description else None

    def make_firm(self):
        """Makes the firm "muster" with an administrator "anna", whose password is PASSWORD."""
        self.run("firm", "create", "muster", "--name", "Muster & Partner")
        self.run("staff", "create", "--firm", "muster", "--user", "anna", "--name", "Anna Beispiel",
                 "--email", "anna@muster.example", "--admin", "--password-stdin",
                 stdin=PASSWORD + "\n")  # fmt: skip


def site_with_firm(cluster, folder):
    """Makes an installation with the firm of Site.make_firm()."""
    made = Site(cluster, folder)
    made.run("migrate")
    made.make_firm()
    return made
