"""Measures in rounds, with tools that make load: wrk, curl, and a plain TLS client for uploads."""

import base64
import http.client
import json
import os
import signal
import ssl
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent


class Wrong(Exception):
    """The operation to be measured failed."""


def rounds(count, ours, yardstick):
    """Calls OURS and YARDSTICK alternately, COUNT times each; returns the pairs of their
    results."""
    pairs = []
    for number in range(count):
        if number % 2:
            other = yardstick()
            pairs.append((ours(), other))
        else:
            pairs.append((ours(), yardstick()))
    return pairs


def median(values):
    return statistics.median(values)


def wrk(site, paths, *, connections, seconds, delay=0, seed=1, browser=None, during=None):
    """Requests random PATHS, as the administrator or with the session of BROWSER, for so many
    SECONDS at most, or until DURING returns; returns requests, seconds, p50, p99, max (ms),
    bytes."""
    with tempfile.NamedTemporaryFile("w", suffix=".paths") as file:
        file.write("\n".join(paths) + "\n")
        file.flush()
        environment = os.environ | {
            "BENCH_PATHS": file.name,
            "BENCH_COOKIE": site.cookie(browser),
            "BENCH_DELAY": str(delay),
            "BENCH_SEED": str(seed),
        }
        with subprocess.Popen(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s",
             "-s", HERE / "pages.lua", site.url],
            stdout=subprocess.PIPE, text=True, env=environment,
        ) as process:  # fmt: skip
            if during:
                during()
                process.send_signal(signal.SIGINT)
            said = process.communicate()[0]
    result = json.loads(said.strip().splitlines()[-1])
    if result["status"] or result["line"]:
        raise Wrong(f"{paths[0]}: {result}")
    result["rate"] = result["requests"] / result["seconds"]
    return result


def h2load(site, paths, *, connections, seconds, rate):
    """The same over HTTP/2, RATE requests a second on each connection; returns requests, p50, p99
    and max (ms)."""
    with tempfile.TemporaryDirectory() as folder:
        urls, log = Path(folder) / "urls", Path(folder) / "log"
        urls.write_text("".join(f"{site.url}{path}\n" for path in paths))
        subprocess.run(
            ["h2load", "-t1", f"-c{connections}", f"--duration={seconds}", f"--rps={rate}",
             f"--input-file={urls}", f"--header=cookie: {site.cookie()}",
             "--header=accept: text/html", f"--log-file={log}"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        lines = [line.split() for line in log.read_text().splitlines()]
    if not lines or any(line[1] != "200" for line in lines):
        raise Wrong(f"{paths[0]}: {[line for line in lines if line[1] != '200'][:3]}")
    took = sorted(int(line[2]) / 1000 for line in lines)
    return {
        "requests": len(took), "p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100],
        "max": took[-1],
    }  # fmt: skip


def curl(site, path):
    """Returns the seconds from request to last byte, without the handshake, and the bytes."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--http1.1", "--noproxy", "*",
         "--cacert", site.authority, "--cookie", site.cookie(), "--output", "/dev/null",
         "--write-out", "%{time_total} %{time_pretransfer} %{size_download}", site.url + path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    total, before, size = done.stdout.split()
    return float(total) - float(before), int(size)


class Line:
    """One TLS connection with a browser's session, which sends with little work of its own."""

    def __init__(self, site, browser=None):
        self.site, self.browser = site, browser or site.admin
        parts = urlsplit(site.url)
        context = ssl.create_default_context(cafile=site.authority)
        self.http = http.client.HTTPSConnection(parts.hostname, parts.port, context=context)
        self.http.connect()
        self.headers = {
            "Cookie": site.cookie(),
            "X-CSRF-Token": self.browser.csrf,
            "Origin": site.url,
            "Accept": "application/json",
            "Tus-Resumable": "1.0.0",
        }

    def close(self):
        self.http.close()

    def ask(self, method, path, body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.http.request(method, path, body=body, headers=self.headers | named)
        answer = self.http.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise Wrong(f"{method} {path}: {answer.status} {text[:300]!r}")
        return answer

    def create(self, matter, size):
        name = base64.b64encode(b"bench.bin").decode()
        answer = self.ask(
            "POST",
            f"{self.browser.base}/matters/{matter}/uploads",
            Upload_Length=str(size),
            Upload_Metadata=f"filename {name}",
        )
        return answer.headers["Location"]

    def upload(self, matter, content, size=None):
        """Announces an upload and sends it, as a browser does; returns the id. CONTENT may be an
        iterator."""
        size = len(content) if size is None else size
        place = self.create(matter, size)
        answer = self.ask(
            "PATCH",
            place,
            content,
            Upload_Offset="0",
            Content_Length=str(size),
            Content_Type="application/offset+octet-stream",
        )
        state = answer.headers["Upload-State"]
        if state not in ("available", "unscannable"):
            raise Wrong(f"an upload is {state}")
        return place.rsplit("/", 1)[-1]

    def put(self, path, content):
        answer = self.ask("PUT", path, content)
        if answer.status != 201:
            raise Wrong(f"PUT {path}: {answer.status}")


def at_once(site, count, each, work):
    """Returns the seconds that COUNT lines need to do WORK(line, number) EACH times."""
    lines = [Line(site) for _ in range(count)]

    def turn(number):
        for i in range(each):
            work(lines[number], number * each + i)

    with ThreadPoolExecutor(count) as pool:
        start = time.monotonic()
        list(pool.map(turn, range(count)))
        seconds = time.monotonic() - start
    for line in lines:
        line.close()
    return seconds


def timed(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start
