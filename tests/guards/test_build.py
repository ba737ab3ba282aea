"""What configure and the Makefile promise: flags are kept and have effect, the same bytes from
any folder, an installation whose modes don't depend on the umask, and its removal."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from source import ROOT

OBJECT = "build/mod_kanzlei/base/time.o"
SAMPLE = "etc/apache2/mods-available/kanzlei.conf"


def run(folder, *command, **more):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copy(folder):
    """Copies the sources of kanzleictl into FOLDER."""
    folder.mkdir(parents=True)
    for name in ("configure", "Makefile.in"):
        shutil.copy2(ROOT / name, folder)
    for name in ("mod_kanzlei", "sql"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "html").mkdir()
    return folder


def configured(source, build, *arguments, **environment):
    build.mkdir(parents=True, exist_ok=True)
    run(build, source / "configure", *arguments, env=os.environ | environment)
    return build


def test_a_changed_makefile_is_configured_as_before(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("configure", "Makefile.in"):
        shutil.copy2(ROOT / name, source)
    own = ["CFLAGS=-O1 -DA='\"a b\"'", "LDFLAGS=-Wl,-O1"]
    arguments = ["--enable-asan", "--prefix=/opt/post", "--libdir=/opt/l", "CC=gcc", *own]
    build = configured(source, tmp_path / "build", *arguments, CPPFLAGS="-DB")
    made = (build / "Makefile").read_text()
    for flag in ("-fsanitize=address", "-O1 -DA='\"a b\"'", "-DB", "-Wl,-O1", "/opt/l"):
        assert flag in made
    with (source / "Makefile.in").open("a") as file:
        file.write("# changed\n")
    os.utime(build / "Makefile", (0, 0))
    run(build, "make", "Makefile")
    assert (build / "Makefile").read_text() == made + "# changed\n"


@pytest.mark.parametrize("name", ["a&b", "a b", "a$b", "a|b", "a'b", "a#b", "a%b", "a\\b", "a:b"])
def test_a_source_folder_that_make_cannot_take_is_refused(tmp_path, name):
    source, build = tmp_path / name, tmp_path / "build"
    source.mkdir()
    build.mkdir()
    for file in ("configure", "Makefile.in"):
        shutil.copy2(ROOT / file, source)
    sentence = f"{source}: make can't take a folder of this name"
    refused(build, source / "configure", "CC=gcc", sentence=sentence)
    refused(source, ROOT / "configure", "CC=gcc", sentence=sentence)


@pytest.mark.parametrize("option", ["prefix", "libdir", "sysconfdir"])
@pytest.mark.parametrize("folder", ["rel", "./rel", "", "~/x"])
def test_a_folder_to_install_in_is_absolute(tmp_path, option, folder):
    sentence = f"--{option} must be an absolute path"
    refused(tmp_path, ROOT / "configure", "CC=gcc", f"--{option}={folder}", sentence=sentence)


def refused(build, *command, sentence):
    done = subprocess.run(command, cwd=build, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (build / "Makefile").exists()


def test_objects_depend_on_flags(tmp_path):
    build = configured(ROOT, tmp_path, "CC=gcc", "CFLAGS=-O0")
    run(build, "make", OBJECT)
    before = (build / OBJECT).stat().st_mtime_ns
    configured(ROOT, tmp_path, "CC=gcc", "CFLAGS=-O0")
    run(build, "make", OBJECT)
    assert (build / OBJECT).stat().st_mtime_ns == before, "compiled again without a reason"
    configured(ROOT, tmp_path, "CC=gcc", "CFLAGS=-O0", "--enable-asan")
    run(build, "make", OBJECT)
    assert "__asan_init" in run(build, "nm", OBJECT)


def test_the_same_bytes_from_any_folder(tmp_path):
    made = []
    for source in (tmp_path / "a", tmp_path / "another/größer"):
        build = configured(copy(source), source / "out" / source.name, "CC=gcc", "CFLAGS=-O0")
        run(build, "make", "-j2", "build/kanzleictl", "build/kanzlei-scand")
        made.append([(build / "build" / n).read_bytes() for n in ("kanzleictl", "kanzlei-scand")])
    assert made[0] == made[1]
    assert str(tmp_path).encode() not in b"".join(made[0])


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Gives the folder that "make install" fills under a umask that hides everything."""
    destination = tmp_path_factory.mktemp("installed")
    make(destination, "install")
    return destination


def make(destination, target):
    build = Path(os.environ["KZ_BUILD"]).parent
    run(build, "make", target, f"DESTDIR={destination}", umask=0o077)


def test_modes_under_a_strict_umask(installed):
    programs = {"usr/bin/kanzleictl", "usr/lib/kanzleipost/kanzlei-scand"}
    for path in installed.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        name = path.relative_to(installed).as_posix()
        good = 0o755 if path.is_dir() or name in programs else 0o644
        assert mode == good, f"{name}: {mode:o}"


def test_what_is_installed(installed):
    there = {path.relative_to(installed).as_posix() for path in installed.rglob("*")}
    assert {
        "usr/bin/kanzleictl",
        "usr/lib/kanzleipost/kanzlei-scand",
        "usr/share/man/man8/kanzleictl.8",
        "usr/share/doc/kanzleipost/LICENSE",
        "usr/share/doc/kanzleipost/LICENSE.kanzlei-scand",
        "usr/share/kanzleipost/html/layout.html",
        "usr/share/kanzleipost/sql/policy/grant.sql",
        "etc/apache2/mods-available/kanzlei.load",
        SAMPLE,
    } <= there
    manual = (installed / "usr/share/man/man8/kanzleictl.8").read_text()
    for command in ("firm create", "event seal", "store initialise", "--head"):
        assert command.replace("-", "\\-") in manual
    warned = run(installed, "man", "--warnings", "-l", "usr/share/man/man8/kanzleictl.8")
    assert "KANZLEICTL(8)" in warned
    load = (installed / "etc/apache2/mods-available/kanzlei.load").read_text()
    module = load.split("kanzlei_module ")[1].strip()
    assert (installed / module.lstrip("/")).is_file()


def test_the_sample_is_valid_once_filled_in(installed, tmp_path):
    """Every line that is no comment needs a value; with one each, kanzleictl reads the file."""
    needed = {
        "KanzleiUrl": "https://portal.example",
        "KanzleiInstallation": "00000000-0000-4000-8000-000000000000",
        "KanzleiMail": f"dir:{tmp_path}",
        "KanzleiMailFrom": "portal@kanzlei.example",
        "KanzleiScanner": tmp_path / "scand",
        "KanzleiDatabase": "'host=/nowhere'",
    }
    lines = (installed / SAMPLE).read_text()
    lines = lines.replace("#KanzleiStore NAME URL", "KanzleiStore one dir:/x")
    for line in lines.split("\n"):
        if line.endswith(" ..."):
            name = line.split()[0]
            lines = lines.replace(line, f"{name} {needed.get(name, tmp_path)}")
    (tmp_path / "kanzlei.conf").write_text(lines)
    said = subprocess.run(
        [installed / "usr/bin/kanzleictl", "--config", tmp_path / "kanzlei.conf", "status"],
        capture_output=True,
        text=True,
    )
    assert "kanzlei.conf" not in said.stderr, said.stderr
    assert "no master key" in said.stderr or "master" in said.stderr, said.stderr


@pytest.mark.parametrize("file", ["layout.html", "grant.sql"])
def test_make_install_fails_when_one_file_fails(tmp_path, file):
    """A stand-in for a full disk: "install" fails for one FILE of many."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/install").write_text(
        f'#!/bin/sh\ncase "$*" in */{file}) echo "no space" >&2; exit 1; esac\n'
        'exec /usr/bin/install "$@"\n'
    )
    (tmp_path / "bin/install").chmod(0o755)
    done = subprocess.run(
        ["make", "install", f"DESTDIR={tmp_path / 'there'}"],
        cwd=Path(os.environ["KZ_BUILD"]).parent, capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert "no space" in done.stderr
    assert done.returncode != 0


def test_uninstall_keeps_a_changed_configuration(tmp_path):
    make(tmp_path, "install")
    make(tmp_path, "uninstall")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    make(tmp_path, "install")
    (tmp_path / SAMPLE).write_text("KanzleiUrl https://portal.example\n")
    make(tmp_path, "install")
    make(tmp_path, "uninstall")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / SAMPLE]


def test_distclean(tmp_path):
    build = configured(ROOT, tmp_path, "CC=gcc")
    run(build, "make", "build/.flags")
    run(build, "make", "distclean")
    assert list(tmp_path.iterdir()) == []
