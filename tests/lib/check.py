#!/usr/bin/env python3
"""Runs what needs no server: units, fuzzers over their corpus, the guard of the layout. Called by
"make check".

  check.py --src SOURCE --out FOLDER [--only PATTERN] [--unit PROGRAM…] [--fuzz PROGRAM…]

Shows one line for each program and the whole output of those that fail; writes the counts to
FOLDER/check.json for tests/run. The exit code is 1 when anything failed.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TIMEOUT = 600  # seconds for one program: only a program that hangs takes so long
AT_ONCE = 4  # programs at once: the slow ones only wait for time-outs
# one test in TAP. Debian 12's cmocka writes a skipped one as "not ok 5 # SKIP name".
RESULT = re.compile(r"^(not )?ok \d+ (?:- \S+)?(.*)$", re.M)
PLAN = re.compile(r"^\s*1\.\.(\d+)", re.M)  # TAP's plan: the number of tests


def run(command, env):
    """Runs COMMAND; returns (exit code, output). The code is None when it hangs."""
    try:
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode("utf-8", "replace")
        return None, f"{output}\nhangs: ended after {TIMEOUT} s\n"


def count(code, output):
    """Returns (passed, failed, skipped) of a cmocka program; one that dies half-way has failed."""
    planned = sum(int(number) for number in PLAN.findall(output))
    passed = failed = skipped = 0
    for bad, rest in RESULT.findall(output):
        if "# SKIP" in rest:
            skipped += 1
        elif bad:
            failed += 1
        else:
            passed += 1
    if failed == 0 and (code != 0 or planned != passed + skipped):
        failed = 1  # a crash, a sanitizer's report after the last test, or no test at all
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--src", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--only", default=os.environ.get("KZ_ONLY", ""))
    parser.add_argument("--unit", nargs="*", default=[])
    parser.add_argument("--fuzz", nargs="*", default=[])
    options = parser.parse_args()

    env = dict(os.environ, KZ_SRC=str(options.src), CMOCKA_MESSAGE_OUTPUT="TAP")
    jobs = [(program, [program], True) for program in options.unit]
    for program in options.fuzz:
        corpus = (
            options.src / "tests/fuzz/corpus" / pathlib.Path(program).name.removesuffix("_fuzz")
        )
        jobs.append((program, [program, str(corpus)], False))
    layout = options.src / "tests/guards/format"
    jobs.append(("guards/format", [str(layout), str(options.src)], False))

    # The name has its folder, so that "guards" and "unit" choose the tests in these folders.
    jobs = [job for job in jobs if options.only in "/".join(pathlib.Path(job[0]).parts[-2:])]
    total = [0, 0, 0]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = pool.map(lambda job: run(job[1], env), jobs)
        for (name, _, is_unit), (code, output) in zip(jobs, ends, strict=True):
            plain = (1, 0, 0) if code == 0 else (0, 1, 0)
            counts = count(code, output) if is_unit else plain
            total = [one + more for one, more in zip(total, counts, strict=True)]
            said = "{} passed, {} failed, {} skipped".format(*counts)
            print(f"{name}: {said}", flush=True)
            if counts[1] or code != 0:
                print(f"{output}(exit code {code})", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    result = dict(zip(("passed", "failed", "skipped"), total, strict=True))
    (options.out / "check.json").write_text(json.dumps(result) + "\n", encoding="utf-8")
    return 1 if total[1] else 0


sys.exit(main())
