"""A whole portal whose parts can be broken: PostgreSQL, the scanner, httpd, stores, spool, mail."""

import json
import os
import pwd
import re
import shlex
import signal
import ssl
import struct
import subprocess
import time
from pathlib import Path

import httpx
from aiosmtpd.controller import Controller
from person import wait_for
from running import Portal, free_port

HERE = Path(__file__).resolve().parent
PAGE = 2  # seconds within which a clear page must come
BACK = 5  # seconds within which all must be well again
# A busy machine is no fault of the portal: a test fails only at ten times the bound. The run lists
# all times.
SLACK = 10


def privileged(*command):
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*sudo, *map(str, command)], check=True)


def words_of(pid):
    """Returns the command line of a process, [] when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def parent_of(pid):
    """Returns the parent of a process, 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def descendants(*roots):
    """Returns these processes and all that they started, parents first."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found = [pid for pid in roots if pid in parents]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


# The lines that httpd's parent logs about its restart.
RESTART = r"AH00493|AH00489|AH00494|AH10244|AH00488"


def kill(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def entered(browser):
    """Returns whether the sign-in page answers this browser."""
    try:
        return browser.get("/sign-in").status_code == 200
    except httpx.HTTPError:
        return False


class Mails:
    """Collects the mails that the mail server has accepted."""

    def __init__(self):
        self.taken = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  (aiosmtpd's name)
        self.taken.append(envelope)
        return "250 OK"


class Site(Portal):
    """The portal, its processes and folders, and the list of measured times."""

    def __init__(self, folder, book):
        self.book, self.mounts = book, []
        self.mails, self.mail_port = Mails(), free_port()
        self.mail_server = None
        self.slow, self.sick = folder / "slow", folder / "sick"
        self.clock = folder / "clock"
        self.set_clock(0)
        self.shim = self.build_shim(folder)
        self.start_mail()
        super().__init__(folder)

    def build_shim(self, folder):
        """Builds the library that makes a store slow or a process sick, sets its clock, or records
        flushes."""
        shim = folder / "slow.so"
        command = "gcc -shared -fPIC -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -o"
        sources = [HERE / name for name in ("slow.c", "clock.c", "power.c")]
        subprocess.run([*command.split(), shim, *sources], check=True)
        return shim

    # --- starting and stopping ---

    def start(self, *options):
        """Starts the portal with a mail server, and without sanitizers, which can't report in
        processes that are killed."""
        self.environment |= {
            "KANZLEI_MAIL": f"smtp://127.0.0.1:{self.mail_port}",
            "KANZLEI_HTTPD_ENVIRONMENT": "",
        }
        if "KZ_BUILD" in os.environ:
            self.environment["KANZLEI_BUILD"] = str(Path(os.environ["KZ_BUILD"]).parent)
        super().start(*options)

    def remove(self):
        self.heal()
        self.stop()
        self.stop_mail()
        for folder in self.mounts:
            privileged("umount", "-l", folder)

    def heal(self):
        """Ends every fault that a test may have left."""
        kill(descendants(*self.roots()), signal.SIGCONT)
        self.slow.unlink(missing_ok=True)
        self.sick.unlink(missing_ok=True)
        self.set_clock(0)

    def set_clock(self, wrong):
        """Makes the clock wrong by so many seconds, in what was started with the preload."""
        with self.clock.open("r+b" if self.clock.exists() else "wb") as file:
            file.write(struct.pack("=q", wrong))

    @property
    def owner(self):
        return pwd.getpwuid((self.data / "conf").stat().st_uid)

    def as_owner(self, *command, env=None, folder="conf"):
        """Runs a command under the account of the service, or of whom FOLDER belongs to."""
        user = {}
        if os.geteuid() == 0:
            owner = pwd.getpwuid((self.data / folder).stat().st_uid)
            user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        done = subprocess.run(
            [str(word) for word in command],
            env=os.environ | (env or {}),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **user,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)

    def httpd(self, action, preload=False, **more):
        """Runs apache2 -k ACTION; with PRELOAD a test can make its stores slow. MORE: its
        environment."""
        env = {"TMPDIR": str(self.data / "tmp"), **more}
        if preload:
            env |= {"LD_PRELOAD": str(self.shim)}
            env |= {"KZ_SLOW": str(self.slow), "KZ_SICK": str(self.sick)}
            env |= {"KZ_CLOCK": str(self.clock)}
        conf = self.data / "conf/httpd.conf"
        self.as_owner("/usr/sbin/apache2", "-f", conf, "-k", action, env=env)

    def stop_httpd(self):
        pids = descendants(self.httpd_pid())
        self.httpd("stop")
        wait_for(lambda: not any(words_of(pid) for pid in pids))

    def restart_httpd(self, preload=False):
        self.stop_httpd()
        self.httpd("start", preload)
        wait_for(self.answers)

    def postgres(self, action, *options, preload=False):
        version = (self.data / "pg/cluster/PG_VERSION").read_text().strip()
        command = f"/usr/lib/postgresql/{version}/bin/pg_ctl -w -s -t 60"
        log = self.data / "pg/log/postgresql-start.log"
        cluster = self.data / "pg/cluster"
        words = [*shlex.split(command), "-D", cluster, "-l", log, *options, action]
        env = {"LD_PRELOAD": str(self.shim), "KZ_CLOCK": str(self.clock)} if preload else None
        self.as_owner(*words, env=env, folder="pg")

    def start_mail(self):
        self.mail_server = Controller(self.mails, hostname="127.0.0.1", port=self.mail_port)
        self.mail_server.start()

    def stop_mail(self):
        if self.mail_server:
            self.mail_server.stop()
        self.mail_server = None

    # --- processes ---

    def httpd_pid(self):
        return int((self.data / "run/httpd.pid").read_text())

    def postgres_pid(self):
        return int((self.data / "pg/cluster/postmaster.pid").read_text().split()[0])

    def roots(self):
        found = self.all_scanners()[:1]
        for pid in (self.httpd_pid, self.postgres_pid):
            try:
                found.append(pid())
            except (FileNotFoundError, IndexError):
                pass
        return found

    def of_httpd(self, name):
        """Returns httpd's own descendants whose program is NAME."""
        found = []
        for pid in descendants(self.httpd_pid())[1:]:
            if Path(next(iter(words_of(pid)), "")).name == name:
                found.append(pid)
        return found

    def children(self):
        return self.of_httpd("apache2")

    def all_scanners(self):
        """Returns the scanner's processes of this portal, the eldest first."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            words = words_of(int(entry.name))
            if Path(next(iter(words), "")).name == "kanzlei-scand" and str(self.data) in words[0]:
                found.append(int(entry.name))
        return descendants(*[pid for pid in found if parent_of(pid) not in found])

    def scanners(self):
        """Returns all processes of the scanner, its first one first, without the guard that starts
        it again where httpd does not."""
        found = self.all_scanners()
        return found[1:] if found and "--guard" in words_of(found[0]) else found

    # --- folders ---

    def mount(self, name, size):
        """Mounts a small file system over a folder of the data folder, and copies the folder's
        files into it."""
        folder, aside = self.data / name, self.data / f"{name}.aside"
        owner = folder.stat()
        folder.rename(aside)
        folder.mkdir()
        options = f"size={size},uid={owner.st_uid},gid={owner.st_gid},mode=700"
        privileged("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)
        self.mounts.append(folder)
        privileged("cp", "-a", f"{aside}/.", folder)
        privileged("rm", "-r", aside)

    def cover(self, folder, size):
        """Mounts a small file system over a folder, whose files stay below it."""
        owner = folder.stat()
        options = f"size={size},uid={owner.st_uid},gid={owner.st_gid},mode=700"
        privileged("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)
        self.mounts.append(folder)

    def uncover(self, folder):
        privileged("umount", "-l", folder)
        self.mounts.remove(folder)

    def fill(self, name, leave):
        """Fills the small file system until LEAVE bytes are free; returns the file to remove
        afterwards."""
        place = self.data / name / "filler"
        disk = os.statvfs(place.parent)
        with place.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - leave)
        return place

    # --- asking ---

    def answers(self):
        """Returns whether the sign-in page answers with 200."""
        browser = self.browser()
        try:
            return browser.get("/sign-in").status_code == 200
        except Exception:  # noqa: BLE001  (a broken server may cause any error)
            return False
        finally:
            browser.close()
            self.browsers.remove(browser)

    def reconnect(self, browser, version=2):
        """Opens a new connection with the same session, as a browser does by itself."""
        context = ssl.create_default_context(cafile=self.authority)
        browser.http.close()
        browser.http = httpx.Client(
            base_url=self.url,
            verify=context,
            http2=version == 2,
            timeout=60,
            trust_env=False,
            cookies=browser.http.cookies,
        )

    # --- how long ---

    def note(self, what, kind, seconds, bound):
        self.book.append((what, kind, seconds, bound))
        assert seconds <= bound * SLACK, f"{what}: {kind} {seconds:.2f} s, at most {bound}"

    def said(self, what, call, *codes, bound=PAGE):
        """Calls CALL, checks that a clear answer with one of CODES comes in time, and returns
        it."""
        start = time.monotonic()
        answer = call()
        self.note(what, "page", time.monotonic() - start, bound)
        assert answer.status_code in codes, (answer.status_code, answer.text)
        clear(answer)
        return answer

    def back(self, what, well, bound=BACK):
        """Waits until WELL() is true, and checks that this was soon."""
        start = time.monotonic()
        wait_for(well, seconds=bound * SLACK + 5)
        self.note(what, "back", time.monotonic() - start, bound)

    # --- what must always be true ---

    def open_uploads(self):
        return self.sql("SELECT id::text, state, tries FROM upload"
                        " WHERE state IN ('scanning', 'storing')")  # fmt: skip

    def objects(self, store):
        """Returns {key: size} of all objects of a store."""
        root = self.data / store
        return {
            str(path.relative_to(root)): path.stat().st_size
            for path in root.rglob("*")
            if path.is_file() and path.name not in ("kanzleipost-installation", "filler")
        }

    def spooled(self):
        return {
            path.name.split(".")[0]
            for path in (self.data / "spool").iterdir()
            if not path.name.startswith(("worker-", "kanzleipost-")) and path.name != "filler"
        }

    def settle(self, seconds=BACK * SLACK):
        """Waits until no upload or job is under way."""
        try:
            wait_for(lambda: not self.open_uploads(), seconds)
        except AssertionError:
            said = self.log.read_text()[-3000:]
            raise AssertionError(f"never finished: {self.open_uploads()}\n{said}") from None
        wait_for(lambda: not self.sql("SELECT 1 FROM object_copy WHERE state <> 'held'"), 120)

    def check(self):
        """Checks that in database, stores and spool nothing is lost, left over or unscanned."""
        self.settle()
        receiving = {row[0] for row in self.sql(
            "SELECT id::text FROM upload WHERE state = 'receiving'")}  # fmt: skip
        assert soon(lambda: self.spooled() ^ receiving) == set(), "in the spool"
        documents = self.sql("SELECT object FROM document WHERE state <> 'discarded'")
        keys = {row[0] for row in documents}
        for store in ("store-1", "store-2"):
            assert soon(lambda store=store: set(self.objects(store)) ^ keys) == set(), store
        found = self.kanzleictl("check", fails=True)
        assert found["problems"] == [], found["problems"]
        assert found["copies"] == 2 * len(keys)
        unscanned = self.sql(
            "SELECT d.id FROM document d LEFT JOIN upload u USING (firm, id)"
            " WHERE u.id IS NOT NULL AND u.state <> d.state AND d.decided_at IS NULL"
        )
        assert not unscanned, unscanned


def soon(rest):
    """Waits until REST() is empty, which the sweep causes; returns its last value."""
    for _ in range(BACK * SLACK):
        if not rest():
            break
        time.sleep(0.1)
    return rest()


def clear(answer):
    """Checks that an error is a problem document (RFC 9457) as JSON, and a German page as HTML."""
    if answer.status_code < 400:
        return
    if answer.status_code in (503, 429):
        assert int(answer.headers["Retry-After"]) > 0
    kind = answer.headers.get("Content-Type", "")
    if answer.request.method == "HEAD":
        return
    if "json" in answer.request.headers["Accept"]:
        assert kind == "application/problem+json", (kind, answer.text)
        problem = json.loads(answer.text)
        assert problem["status"] == answer.status_code
        assert problem["title"] and problem["detail"]
    else:
        assert kind.startswith("text/html"), kind
        assert re.search(r"<html[^>]* lang=.?de", answer.text), answer.text[:200]
        assert "Internal Server Error" not in answer.text
