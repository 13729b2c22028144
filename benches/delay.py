#!/usr/bin/env python3
"""How soon faults are found: python3 benches/delay.py LABELS SCORES [LEVEL]

LABELS is the labels.json of a benchmark, SCORES what `cargo bench --bench detection` wrote for it; a score
of LEVEL (1) is an alarm. Prints for each type of series, and for each kind of fault in daily counts, which
share is found by when, and how long it would take somebody who knows everything: the labels say how far
a fault lies from the ordinary in all, in standard deviations (snr). A steady fault has gained three of
them after length * (3 / snr)^2 buckets, one that grows steadily after length * (3 / snr)^(2/3).
"""

import csv
import datetime
import json
import math
import sys

ENOUGH = 3.0
DAYS = (1, 2, 3, 7, 14, 28)


def number(text: str, hours: bool) -> int:
    seconds = (datetime.datetime.fromisoformat(text) - datetime.datetime(1970, 1, 1)).total_seconds()
    return round(seconds / (3600 if hours else 86400))


def shortest(event: dict) -> int:
    power = 2 / 3 if event["kind"].startswith("decay") else 2
    return max(0, math.ceil(event["buckets"] * (ENOUGH / event["snr"]) ** power) - 1)


def line(name: str, events: list, unit: int) -> str:
    waits = [wait for wait, _ in events if wait is not None]
    shares = " ".join(f"{sum(wait < unit * days for wait in waits) / len(events):.2f}" for days in DAYS)
    mean = sum(waits) / max(1, len(waits)) / unit
    median = sorted(waits)[len(waits) // 2] / unit if waits else math.nan
    clear = [event for _, event in events if event["snr"] >= ENOUGH]
    least = sum(shortest(event) for event in clear) / max(1, len(clear)) / unit
    return f"{name:14} {len(events):4} {shares}   {mean:5.1f} {median:5.1f}   {least:5.1f}"


def main() -> None:
    labels = json.load(open(sys.argv[1], encoding="utf-8"))["series"]
    level = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0
    alarms = {name: [] for name in labels}
    with open(sys.argv[2], encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if float(row["score"]) >= level:
                name = row["series_id"]
                alarms[name].append(number(row["timestamp"], labels[name]["freq"] == "H"))
    found = {}
    for name, label in labels.items():
        hours = label["freq"] == "H"
        for event in label["events"]:
            start, end = number(event["start"], hours), number(event["end"], hours)
            inside = [at - start for at in alarms[name] if start <= at <= end]
            entry = (min(inside, default=None), event)
            found.setdefault(label["type"], []).append(entry)
            if label["type"] == "count_daily":
                found.setdefault("  " + event["kind"], []).append(entry)
    print(f"found within   many {'  '.join(f'{days}d' for days in DAYS)}    mean  median  least (days)")
    for name in sorted(found, key=lambda name: (name.startswith(" "), name)):
        print(line(name, found[name], 24 if name == "count_hourly" else 1))


main()
