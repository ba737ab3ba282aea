"""For the tests of all folders: a run that somebody stops early stops its processes too."""

import signal


def pytest_configure():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
