"""For the tests of all folders: whoever ends a run early ends what it has started, too."""

import signal


def pytest_configure():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
