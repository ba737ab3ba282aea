"""What is measured: running portals of this build, with the yardsticks on the same httpd."""

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
from running import PASSWORD, Portal

BUILD = Path(os.environ["KZ_BUILD"])
YARDSTICKS = ("mod_dav", "mod_dav_fs")

# Where the portal leaves URLs to httpd.
PLACE = "/.well-known/acme-challenge"

# In the portal's own virtual host, so with the same TLS, threads and log.
FOLDERS = ("static", "dav-1", "dav-2", "dav-twice", "second")
PORTAL_CONF = """
# A crowd's connections stay open until all of it has gathered.
KeepAliveTimeout 120
Alias "{place}/" "{bench}/"
<Directory "{bench}">
    Require all granted
</Directory>
<Directory "{bench}/dav-1">
    Dav On
    BenchFlush on
</Directory>
<Directory "{bench}/dav-2">
    Dav On
    BenchFlush on
</Directory>
<Directory "{bench}/dav-twice">
    Dav On
    BenchFlush on
    BenchSecond "{bench}/second"
</Directory>
"""


class Site(Portal):
    """A portal with an administrator; .bench is a folder that httpd can read and write."""

    def __init__(self, folder):
        folder.mkdir(mode=0o755, exist_ok=True)
        super().__init__(folder)
        self.bench = self.data / "bench"
        self.bench.mkdir(mode=0o700)
        self.owner = (self.data / "conf").stat()
        self.kanzleictl("firm", "create", self.firm, "--name", "Kanzlei Linde")
        self.make_staff("admin", "--admin")
        self.admin = self.signed_in("admin")
        self.matter = self.new_matter()
        self.give()

    def new_matter(self):
        client = self.admin.made(
            "/clients",
            {
                "number": "1",
                "kind": "company",
                "name": "Sommer GmbH",
                "language": "de",
            },
        )
        return self.admin.made(f"/clients/{client}/matters", {"number": "1", "title": "Steuer"})

    def give(self):
        """What lies in .bench is the service's."""
        for path in (self.bench, *self.bench.rglob("*")):
            os.chown(path, self.owner.st_uid, self.owner.st_gid)

    def file(self, name, content):
        """A file for httpd as it is; its path in a URL."""
        path = self.bench / "static" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        self.give()
        return f"{PLACE}/static/{name}"

    def program(self, built):
        """A program or module of the build where httpd can read it; one that runs is left alone."""
        path = self.bench / built.name
        path.unlink(missing_ok=True)
        shutil.copy(built, path)
        return path

    def configure(self, portal="", *, yardsticks=False, **scanner):
        """Starts anew with lines for kanzlei.conf, with the yardsticks or without them."""
        conf, lines = self.data / "conf", [portal]
        if "scanner" in scanner:
            lines.append(f'KanzleiScannerProgram "{self.program(scanner["scanner"])}"')
        (conf / "kanzlei.local.conf").write_text("\n".join(lines) + "\n")
        (conf / "local-portal.conf").write_text("")
        if yardsticks:
            modules = Path(
                subprocess.check_output(["/usr/bin/apxs", "-q", "LIBEXECDIR"], text=True).strip()
            )
            load = [f'LoadModule {m[4:]}_module "{modules}/{m}.so"' for m in YARDSTICKS]
            load.append(f'LoadModule bench_module "{self.program(BUILD / "mod_bench.so")}"')
            load.append(f'DavLockDB "{self.bench}/locks"')
            for name in FOLDERS:
                (self.bench / name).mkdir(exist_ok=True)
            own = PORTAL_CONF.format(bench=self.bench, place=PLACE)
            (conf / "local-portal.conf").write_text(own)
            (conf / "local.conf").write_text("\n".join(load) + "\n")
        else:
            (conf / "local.conf").write_text("")
        self.give()
        for name in ("kanzlei.local.conf", "local-portal.conf", "local.conf"):
            os.chown(conf / name, self.owner.st_uid, self.owner.st_gid)
        self.start()
        self.admin = self.signed_in("admin")

    def empty(self):
        """Removes what PUT has left, and the objects of all documents: room for the next round."""
        for folder in FOLDERS[1:]:
            for path in (self.bench / folder).glob("*"):
                path.unlink() if path.is_file() else shutil.rmtree(path)
        for path in self.data.glob("store-*/[0-9]*"):
            shutil.rmtree(path)

    def cookie(self, browser=None):
        jar = (browser or self.admin).http.cookies.jar
        return "; ".join(f"{c.name}={c.value}" for c in jar)

    def database(self, user="postgres"):
        return f"host={self.data}/pg/socket dbname=kanzlei user={user}"

    def under_way(self):
        """Returns how many uploads are there whole and are not done yet."""
        question = "SELECT count(*) FROM upload WHERE state IN ('scanning', 'storing')"
        with psycopg.connect(self.database()) as db:
            return db.execute(question).fetchone()[0]

    def pids(self):
        """Processes by what they are: httpd, scand, postgres."""
        parents, names = {}, {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                names[int(entry.name)] = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat[1])
        httpd = int((self.data / "run/httpd.pid").read_text())
        postgres = int((self.data / "pg/cluster/postmaster.pid").read_text().split()[0])
        found = {"httpd": set(), "scand": set(), "postgres": set()}
        for pid in parents:
            line = [pid]
            while line[-1] in parents and parents[line[-1]] in parents:
                line.append(parents[line[-1]])
            if postgres in line:
                found["postgres"].add(pid)
            elif b"kanzlei-scand" in names[pid] and str(self.data).encode() in names[pid]:
                found["scand"].add(pid)
            elif httpd in line:
                found["httpd"].add(pid)
        return found

    def pss(self):
        """MiB of memory, shared pages counted by their share, by kind of process."""
        sums = {}
        for kind, pids in self.pids().items():
            sums[kind] = 0.0
            for pid in pids:
                try:
                    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
                except OSError:
                    continue
                line = next((line for line in text.splitlines() if line.startswith("Pss:")), None)
                sums[kind] += int(line.split()[1]) / 1024 if line else 0
        return sums


__all__ = ["BUILD", "PASSWORD", "Site"]
