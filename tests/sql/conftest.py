"""A PostgreSQL cluster of its own: an empty installation, and one with a million documents."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))

import million  # noqa: E402
import real  # noqa: E402
import scene  # noqa: E402
from ctl_site import Cluster, Site  # noqa: E402

# Settings that affect plans are as in appliance/postgresql.conf; the rest makes loading fast.
# Workers for indexes would need more of /dev/shm than the 64 MB of a container.
SETTINGS = {
    "max_parallel_maintenance_workers": "0",
    "work_mem": "8MB", "effective_cache_size": "2GB", "shared_buffers": "512MB",
    "autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "8GB",
}  # fmt: skip


@pytest.fixture(scope="session")
def cluster():
    made = Cluster(**SETTINGS)
    try:
        made.make_roles()
        yield made
    finally:
        made.remove()


def migrated(cluster, folder):
    site = Site(cluster, folder)
    site.run("migrate")
    return site


@pytest.fixture(scope="session")
def empty(cluster, tmp_path_factory):
    """An installation without a firm."""
    return migrated(cluster, tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="session")
def full(cluster, tmp_path_factory):
    """An installation with a million documents of 20 firms; every statement reports its plan."""
    site = migrated(cluster, tmp_path_factory.mktemp("full"))
    million.load(cluster, site.database)
    real.explain_all(cluster, site.database)
    return site


@pytest.fixture(scope="session")
def things(full):
    with full.cluster.connect(full.database) as db:
        return {name: scene.things(who, db) for name, who in scene.PEOPLE.items()}


@pytest.fixture(scope="session")
def lines(full):
    made = {role: real.Line(full.conninfo(role)) for role in ("kanzlei_portal", "kanzlei_owner")}
    yield made
    for line in made.values():
        line.db.close()
