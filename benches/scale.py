#!/usr/bin/env python3
"""Prints the figures of docs/performance.md. Needs target/release/truecount and Linux.

    python3 benches/scale.py series 1000 10000   pull and judge N events of 180 days
    python3 benches/scale.py start               start to ready, idle memory, pull to webhook
    python3 benches/scale.py build               clean and incremental build, size (slow)
"""

import datetime
import http.server
import os
import pathlib
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/truecount"
STARTS = 9


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


def measured(command: str, folder: str) -> str:
    """Wall and processor time and the most memory of one command."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [PROGRAM, command], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    took = time.monotonic() - begun
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        raise SystemExit(f"truecount {command} failed")
    busy = used.ru_utime + used.ru_stime
    return f"{took:.1f} s, {busy:.1f} s of processor time, at most {used.ru_maxrss // 1024} MiB"


def served(folder: str) -> str:
    """A round of `serve` as its log tells it: evidence, judgements, incidents and their commit."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--listen", f"127.0.0.1:{free_port()}"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        for _ in range(1200):
            time.sleep(0.1)
            log.seek(0)
            told = re.search(rb"judged (\d+) results.* took_ms=(\d+)", log.read())
            if told:
                break
        else:
            raise SystemExit("serve judged nothing in two minutes")
        peak = resident(process, "VmHWM")
        process.send_signal(signal.SIGTERM)
        process.wait()
    return f"{int(told[1])} results in {int(told[2]) / 1000:.1f} s with their commit, at most {peak:.0f} MiB"


def series(counts: list[int]) -> None:
    for events in counts:
        with tempfile.TemporaryDirectory() as name:
            write(pathlib.Path(name), events)
            for title, command in (("first pull", "pull"), ("next pull", "pull"), ("judging", "check")):
                print(f"{events} events of 180 days, {title}: {measured(command, name)}", flush=True)
            print(f"{events} events of 180 days, a round of the daemon: {served(name)}", flush=True)


def free_port() -> int:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        return server.server_address[1]


def resident(process: subprocess.Popen, key: str) -> float:
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    return float("nan")


def serve(folder: pathlib.Path, environment: dict[str, str]) -> tuple[subprocess.Popen, float]:
    """Starts the daemon; how long until /readyz says 200, in ms."""
    port = free_port()
    begun = time.monotonic()
    process = subprocess.Popen(
        [PROGRAM, "serve", "--listen", f"127.0.0.1:{port}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while time.monotonic() - begun < 20:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).close()
            return process, (time.monotonic() - begun) * 1000
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.002)
    process.kill()
    raise SystemExit("serve did not become ready")


def shop() -> None:
    """The shop example, its sources unreachable: what an idle daemon costs."""
    environment = {"PATH": os.environ["PATH"]}
    ready, idle, peak, stop = [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "shop"
        subprocess.run(
            [PROGRAM, "init", "--template", "ecommerce", folder], check=True, capture_output=True
        )
        environment["ORDERS_DATABASE_URL"] = "postgres://nobody:nothing@127.0.0.1:9/shop"
        environment["SMTP_URL"] = "smtp://nobody:nothing@127.0.0.1:9"
        environment["SLACK_SHOP_WEBHOOK"] = "https://127.0.0.1:9/none"
        (folder / "ga4-key.json").write_text("{}", encoding="utf-8")
        for _ in range(STARTS):
            process, took = serve(folder, environment)
            time.sleep(6)
            ready.append(took)
            idle.append(resident(process, "VmRSS"))
            peak.append(resident(process, "VmHWM"))
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait()
            stop.append((time.monotonic() - begun) * 1000)
    print(f"shop example, median of {STARTS} starts: ready after {statistics.median(ready):.0f} ms", flush=True)
    print(f"after six seconds {statistics.median(idle):.1f} MiB, at most {statistics.median(peak):.1f} MiB")
    print(f"SIGTERM to the end {statistics.median(stop):.0f} ms")


class Hook(http.server.BaseHTTPRequestHandler):
    arrived = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(204)
        self.end_headers()
        Hook.arrived.set()

    def log_message(self, *_: object) -> None:
        pass


def webhook() -> None:
    """From the start of the daemon with a fault in its file to the first webhook."""
    took = []
    for _ in range(STARTS):
        Hook.arrived.clear()
        with tempfile.TemporaryDirectory() as name, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
            folder = pathlib.Path(name)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            port = server.server_address[1]
            (folder / "hook.txt").write_text(f"http://127.0.0.1:{port}/hook", encoding="utf-8")
            (folder / "truecount.toml").write_text(
                '[project]\nname = "Shop"\ntimezone = "UTC"\n'
                '[source.web]\ntype = "files"\npath = "web.csv"\n[event.purchase]\n'
                '[route.default]\nwait = "0 min"\nwebhook = { file = "hook.txt" }\n'
                '[net]\nallow_private = ["127.0.0.1"]\n',
                encoding="utf-8",
            )
            today = datetime.date.today()
            with open(folder / "web.csv", "w", encoding="utf-8") as file:
                file.write("date,event,count\n")
                for ago in range(90, 0, -1):
                    count = random.randint(950, 1050) if ago > 5 else 40
                    file.write(f"{today - datetime.timedelta(ago)},purchase,{count}\n")
            begun = time.monotonic()
            process, _ = serve(folder, {"PATH": os.environ["PATH"]})
            if not Hook.arrived.wait(60):
                raise SystemExit("no webhook came")
            took.append((time.monotonic() - begun) * 1000)
            process.kill()
            process.wait()
            server.shutdown()
    print(f"start, pull, judgement, webhook: {statistics.median(took):.0f} ms, median of {STARTS}")


def build() -> None:
    def cargo(*more: str) -> float:
        begun = time.monotonic()
        subprocess.run(["cargo", "build", *more], cwd=ROOT, check=True, capture_output=True)
        return time.monotonic() - begun

    with tempfile.TemporaryDirectory() as name:
        print(f"clean build: {cargo('--target-dir', name):.0f} s", flush=True)
        os.utime(ROOT / "src/lib.rs")
        print(f"incremental build: {cargo('--target-dir', name):.0f} s", flush=True)
    if PROGRAM.exists():
        print(f"release binary: {PROGRAM.stat().st_size / 1e6:.1f} MB")


def main() -> None:
    match sys.argv[1:]:
        case ["series", *counts] if counts:
            series([int(count) for count in counts])
        case ["start"]:
            shop()
            webhook()
        case ["build"]:
            build()
        case _:
            raise SystemExit(__doc__)


main()
