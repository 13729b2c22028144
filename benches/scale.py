#!/usr/bin/env python3
"""Pull and judge N events of 180 days: python3 benches/scale.py N (needs target/release/truecount)."""

import datetime
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "target/release/truecount"


def write(folder: pathlib.Path, events: int) -> None:
    random.seed(1)
    with open(folder / "truecount.toml", "w", encoding="utf-8") as file:
        file.write('[project]\nname = "Scale"\ntimezone = "UTC"\n')
        file.write('[source.web]\ntype = "files"\npath = "web.csv"\n')
        file.writelines(f"[event.e{place:05}]\n" for place in range(events))
    today = datetime.date.today()
    with open(folder / "web.csv", "w", encoding="utf-8") as file:
        file.write("date,event,count\n")
        for ago in range(180, 0, -1):
            day = today - datetime.timedelta(ago)
            file.writelines(f"{day},e{place:05},{random.randint(80, 120)}\n" for place in range(events))


def main() -> None:
    events = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        write(pathlib.Path(name), events)
        for command in ("pull", "check"):
            begun = time.monotonic()
            subprocess.run([PROGRAM, command], cwd=name, check=True, capture_output=True)
            took = time.monotonic() - begun
            most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
            print(f"{events} events, {command}: {took:.1f} s, at most {most} MiB so far")


main()
