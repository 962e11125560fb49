# SPDX-License-Identifier: MIT
"""Run benchmarks by name: `python -m benchmarks codec --json`."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from typing import Any

BENCHMARKS = (
    "codec",
    "udp_floor",
    "latency",
    "throughput",
    "handshake",
    "congestion",
    "connections",
    "resume",
    "replication",
    "interest",
    "priority",
    "bandwidth",
    "allocations",
    "rollback",
    "tick",
    "arena",
    "rewind",
    "interpolate",
    "clock",
    "feel",
)


def main() -> int:
    """Run the benchmarks that the command line names, or write the report of all."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure gamenet against floors and peers in the same run.",
    )
    parser.add_argument("name", choices=[*BENCHMARKS, "all"], help="which to run")
    parser.add_argument(
        "--json", action="store_true", help="print only one JSON object, on one line"
    )
    parser.add_argument(
        "--report", metavar="FOLDER", help="write a table and plots into this folder"
    )
    options = parser.parse_args()
    names = BENCHMARKS if options.name == "all" else [options.name]
    results = {name: _run(name) for name in names}
    if options.report:
        from benchmarks.report import write_report  # noqa: PLC0415 - needs matplotlib

        write_report(results, options.report)
    shown = results if options.name == "all" else results[options.name]
    print(json.dumps(shown, indent=None if options.json else 2))
    return 0


def _run(name: str) -> Any:
    """Run one, and import it alone: each of its processes imports this module again."""
    return import_module(f"benchmarks.{name}").run()


if __name__ == "__main__":
    sys.exit(main())
