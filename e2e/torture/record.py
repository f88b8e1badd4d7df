"""Dated records: what was run, on what, and what came of it."""

import datetime
import os
import pathlib
import platform

from lab import REPOSITORY

FOLDER = REPOSITORY / "e2e" / "record"


def machine():
    memory = next(
        line for line in pathlib.Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")
    )
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {int(memory.split()[1]) / 1e6:.0f} GB"


def write(what, lab, lines):
    today = datetime.date.today()
    build = "release" if lab.binary.parent.name == "release" else "debug"
    head = f"make {what}, {today:%-d %B %Y}, {machine()}, commit {lab.commit}, {build} build\n"
    path = FOLDER / f"{today}-{what}.txt"
    path.write_text("\n".join([head, *lines]) + "\n")
    return path
