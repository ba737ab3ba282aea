"""A build folder keeps what it was configured with, however old its Makefile is."""

import os
import shutil
import subprocess

from source import ROOT


def run(folder, *command):
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def test_a_changed_makefile_is_configured_as_before(tmp_path):
    source, build = tmp_path / "source", tmp_path / "build"
    source.mkdir()
    build.mkdir()
    for name in ("configure", "Makefile.in"):
        shutil.copy2(ROOT / name, source)
    run(build, source / "configure", "--enable-asan", "--prefix=/opt/post", "CC=gcc")
    made = (build / "Makefile").read_text()
    assert "-fsanitize=address" in made
    with (source / "Makefile.in").open("a") as file:
        file.write("# changed\n")
    os.utime(build / "Makefile", (0, 0))
    run(build, "make", "Makefile")
    assert (build / "Makefile").read_text() == made + "# changed\n"
