#!/usr/bin/env python3
"""Counts test cases over all Meson tests and closes with "N passed, N failed, N skipped".

Usage: summarise_tests.py build/meson-logs/testlog.json

A GoogleTest program counts case by case, from its own output, so that the cases of one that
crashed or ran out of time still count; the case it died in, or the program itself when no case
explains its result, counts as failed. Any other test counts as one. Skipped and failed cases are
listed. Exits 1 when a case failed or none ran.
"""

import json
import os
import re
import sys

MARK = re.compile(r"\[( RUN      |       OK |  FAILED  |  SKIPPED )\] (\S+\.\S+?)(?:, where .*)?"
                  r"(?: \(\d+ ms\))?$", re.MULTILINE)
SKIP_REASON = re.compile(r": Skipped\n(.*?)\s*\Z", re.DOTALL)


def gtest_cases(output, result):
    """Yields (case, outcome, reason); outcome is 'passed', 'failed' or 'skipped'."""
    unfinished = f"did not finish: {result.lower()}"
    running = None
    body_start = 0
    for mark in MARK.finditer(output):
        what, case = mark.group(1).strip(), mark.group(2)
        if what == "RUN":
            if running:
                yield running, "failed", unfinished
            running, body_start = case, mark.end()
        elif case == running:  # the failures' list at the end names cases that are over
            running = None
            reason = SKIP_REASON.search(output[body_start:mark.start()])
            yield case, {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}[what], (
                " ".join(reason.group(1).split()) if reason and what == "SKIPPED" else "")
    if running:
        yield running, "failed", unfinished


def cases_of(test):
    """All cases of one line of testlog.json."""
    result = test["result"]
    cases = list(gtest_cases(test.get("stdout") or "", result))
    good = result in ("OK", "EXPECTEDFAIL")
    if not cases:
        outcome = "passed" if good else "skipped" if result == "SKIP" else "failed"
        return [("", outcome, "" if good else result.lower())]
    if not good and result != "SKIP" and all(outcome != "failed" for _, outcome, _ in cases):
        cases.append(("", "failed", f"{result.lower()}, exit status {test.get('returncode')}, "
                      "though every case that ran passed"))
    return cases


def main():
    tests = []
    if os.path.exists(sys.argv[1]):  # Meson writes none when it has no test
        with open(sys.argv[1], encoding="utf-8") as log:
            tests = [json.loads(line) for line in log if line.strip()]
    listed = {"passed": [], "failed": [], "skipped": []}
    for test in tests:
        for case, outcome, reason in cases_of(test):
            name = test["name"] + (f": {case}" if case else "")
            listed[outcome].append(name + (f" ({reason})" if reason else ""))
    for outcome in ("skipped", "failed"):
        for name in listed[outcome]:
            print(f"{outcome}: {name}")
    if not listed["passed"] and not listed["failed"]:
        print("no test ran")
    print(f"{len(listed['passed'])} passed, {len(listed['failed'])} failed, "
          f"{len(listed['skipped'])} skipped")
    return 0 if listed["passed"] and not listed["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
