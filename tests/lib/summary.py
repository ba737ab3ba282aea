#!/usr/bin/env python3
"""Sums up the results of a run: summary.py FOLDER [--no-skips].

FOLDER holds .json files {"passed", "failed", "skipped"} and pytest's JUnit files (.xml). Names what
failed and what was skipped, then ends with the one line "N passed, N failed, N skipped". The exit
code is 1 if something failed, if nothing ran, and with --no-skips if something was skipped.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def of_junit(path):
    """Returns the counts of one JUnit file, and a line for each test that failed or was skipped."""
    counts, lines = {"passed": 0, "failed": 0, "skipped": 0}, []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            counts["failed"] += 1
            lines.append(f"failed: {name}")
        elif skipped is not None:
            counts["skipped"] += 1
            lines.append(f"skipped: {name}: {skipped.get('message')}")
        else:
            counts["passed"] += 1
    return counts, lines


def main():
    folder, no_skips = pathlib.Path(sys.argv[1]), "--no-skips" in sys.argv[2:]
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for path in sorted(folder.iterdir()):
        counts, lines = total, []
        if path.suffix == ".xml":
            try:
                counts, lines = of_junit(path)
            except ElementTree.ParseError:  # pytest was killed while it wrote
                counts, lines = {"failed": 1}, [f"failed: {path.stem}: no result"]
        elif path.suffix == ".json":
            counts = json.loads(path.read_text(encoding="utf-8"))
            if counts.get("failed"):
                lines = [f"failed: {path.stem}"]
        else:
            continue
        total = {key: total[key] + counts.get(key, 0) for key in total}
        for line in lines:
            print(line)
    good = total["failed"] == 0 and total["passed"] > 0 and not (no_skips and total["skipped"])
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
