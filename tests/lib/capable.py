"""Checks for capabilities that a test needs besides being root. Where a container lacks one, the
test is skipped, which is a failure in CI."""

from pathlib import Path

import pytest

SYS_PTRACE, SYS_ADMIN = 19, 21  # capabilities(7), linux/capability.h


def need(capability, why):
    """Skips the test unless root may have CAPABILITY here."""
    lines = Path("/proc/self/status").read_text().splitlines()
    bounding = next(line for line in lines if line.startswith("CapBnd:"))
    if not int(bounding.split()[1], 16) >> capability & 1:
        pytest.skip(f"root may not {why} here")


def need_tracing():
    need(SYS_PTRACE, "look into processes that hide")


def need_mounting():
    need(SYS_ADMIN, "mount")
