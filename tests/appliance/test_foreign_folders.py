"""Root's start does nothing to what others have put into the folders that it gives them."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

LIB = Path(__file__).resolve().parents[2] / "appliance/lib"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it is about root")

STEPS = """
set -euo pipefail
. "$0/common.sh" && . "$0/control.sh" && . "$0/users.sh"
data=$1 service_user=daemon scanner_user=games database_user=nobody state_folders=spool
make_state_folders
"""


def start(data):
    """Makes the folders of DATA as a start does, with users that each Debian has."""
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(["bash", "-c", STEPS, LIB, data], env=environment, check=False,
                          capture_output=True, text=True, timeout=60)  # fmt: skip


def owned(path):
    state = path.lstat()
    return state.st_uid, state.st_gid, state.st_mode & 0o7777


@pytest.fixture
def data():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the users get through
        data = Path(folder) / "data"
        data.mkdir(mode=0o755)
        done = start(data)
        assert done.returncode == 0, done.stderr
        yield data


def test_folders_are_given_and_given_back(data):
    folders = [data / name for name in ("scan", "pg", "pg/socket")]
    wanted = [owned(folder) for folder in folders]
    assert [mode for _, _, mode in wanted] == [0o2710, 0o710, 0o710]
    for folder in folders:
        os.chown(folder, 0, 0) if folder.name != "pg" else folder.chmod(0o700)
        folder.chmod(0o700)
    assert start(data).returncode == 0
    assert [owned(folder) for folder in folders] == wanted


def test_a_link_in_the_databases_folder_gives_nothing_away(data):
    """Whoever has taken PostgreSQL over would else get a folder of root's by the next start."""
    treasure = data.parent / "treasure"
    treasure.mkdir(mode=0o700)
    before = owned(treasure)
    (data / "pg/socket").rmdir()
    (data / "pg/socket").symlink_to(treasure)
    assert start(data).returncode != 0
    assert owned(treasure) == before
