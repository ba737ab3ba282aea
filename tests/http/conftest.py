"""One portal for all tests of a run: two firms, their people, and a check of the error log."""

import pytest
from ctl_site import Cluster
from running import running_portal, unexpected


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "expect_log(*patterns): lines of the error log that this test causes"
    )


@pytest.fixture(scope="session")
def portal():
    """The running portal with both firms and their administrators."""
    with running_portal() as made:
        # However long a run takes, nobody is signed out meanwhile.
        (made.data / "conf/kanzlei.local.conf").write_text("KanzleiSessionIdle 12h\n")
        made.start()
        for slug, name in ((made.firm, "Kanzlei Linde"), (made.other, "Kanzlei Eiche")):
            made.kanzleictl("firm", "create", slug, "--name", name)
            made.make_staff("admin", "--admin", firm=slug)
        made.make_staff("buero")
        yield made


@pytest.fixture(scope="session")
def admin(portal):
    return portal.signed_in("admin")


@pytest.fixture(scope="session")
def stranger(portal):
    """The administrator of the other firm."""
    return portal.signed_in("admin", portal.other)


@pytest.fixture(scope="session")
def clerk(portal):
    """Staff of the firm without any right and without clients."""
    return portal.signed_in("buero")


@pytest.fixture(scope="session")
def maria(portal, admin):
    """A client of the firm with a matter; .browser is hers."""
    return portal.make_client(admin, "Sommer", "maria")


@pytest.fixture(scope="session")
def neighbour(portal, admin):
    """Another client of the same firm."""
    return portal.make_client(admin, "Nachbar", "nachbar")


@pytest.fixture(scope="session")
def foreign(portal, stranger):
    """A client of the other firm."""
    return portal.make_client(stranger, "Fremd", "maria")


@pytest.fixture(autouse=True)
def quiet_log(request):
    """Fails the test that causes a line in the error log, unless the test expects it
    (expect_log)."""
    if "portal" not in request.fixturenames:
        yield
        return
    portal = request.getfixturevalue("portal")
    before = portal.marks()
    yield
    marker = request.node.get_closest_marker("expect_log")
    lines = unexpected(portal.said_after(before), marker.args if marker else ())
    assert not lines, "the error log says:\n" + "\n".join(lines)


@pytest.fixture(autouse=True)
def leave_no_connections(request):
    """Closes the browsers that a test has opened: all tests come from one address, of which the
    portal serves so many connections at once (mod_kanzlei/http/crowd.h)."""
    if "portal" not in request.fixturenames:
        yield
        return
    browsers = request.getfixturevalue("portal").browsers
    before = len(browsers)
    yield
    for browser in browsers[before:]:
        browser.close()
    del browsers[before:]


@pytest.fixture(scope="module")
def cluster():
    """A PostgreSQL for the installations of one file, with the roles of the portal."""
    made = Cluster()
    made.make_roles()
    yield made
    made.remove()
