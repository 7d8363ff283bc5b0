"""scripts/summarise_tests.py on logs whose counts are plain to see."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.environ["CDFSS_SOURCE_DIR"], "scripts", "summarise_tests.py")


def summarise(*tests):
    """Runs the script on a log of these tests; returns (exit status, lines)."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "testlog.json")
        with open(path, "w", encoding="utf-8") as log:
            log.writelines(json.dumps(test) + "\n" for test in tests)
        run = subprocess.run([sys.executable, SCRIPT, path], capture_output=True, text=True,
                             check=False)
    return run.returncode, run.stdout.splitlines()


def test(name, result, stdout="", returncode=0):
    return {"name": name, "result": result, "stdout": stdout, "returncode": returncode}


TWO_PASS = ("[ RUN      ] Io.Reads\n[       OK ] Io.Reads (0 ms)\n"
            "[ RUN      ] Io.Writes\ntext without an end of line[       OK ] Io.Writes (3 ms)\n")


class SummariseTests(unittest.TestCase):
    def test_counts_cases_of_googletest_and_one_for_any_other_test(self):
        status, lines = summarise(test("io", "OK", TWO_PASS), test("script", "OK", "fine\n"))
        self.assertEqual(status, 0)
        self.assertEqual(lines, ["3 passed, 0 failed, 0 skipped"])

    def test_a_failed_case_counts_once_though_it_is_named_twice(self):
        status, lines = summarise(test("io", "FAIL", TWO_PASS + (
            "[ RUN      ] All/Io.Sizes/1\n"
            "[  FAILED  ] All/Io.Sizes/1, where GetParam() = (2, 3) (0 ms)\n"
            "[  FAILED  ] 1 test, listed below:\n"
            "[  FAILED  ] All/Io.Sizes/1, where GetParam() = (2, 3)\n"), 1))
        self.assertEqual(status, 1)
        self.assertEqual(lines, ["failed: io: All/Io.Sizes/1", "2 passed, 1 failed, 0 skipped"])

    def test_a_crash_or_timeout_fails_the_case_it_happened_in(self):
        status, lines = summarise(test("io", "TIMEOUT", TWO_PASS + "[ RUN      ] Io.Hangs\n", -15))
        self.assertEqual(status, 1)
        self.assertEqual(lines, ["failed: io: Io.Hangs (did not finish: timeout)",
                                 "2 passed, 1 failed, 0 skipped"])

    def test_a_program_that_fails_after_its_cases_counts_as_failed(self):
        status, lines = summarise(test("io", "FAIL", TWO_PASS, 23))
        self.assertEqual(status, 1)
        self.assertIn("exit status 23", lines[0])
        self.assertEqual(lines[-1], "2 passed, 1 failed, 0 skipped")

    def test_a_failed_program_without_cases_counts_as_failed(self):
        status, lines = summarise(test("io", "OK", TWO_PASS), test("script", "ERROR", "", 127))
        self.assertEqual(status, 1)
        self.assertEqual(lines, ["failed: script (error)", "2 passed, 1 failed, 0 skipped"])

    def test_skipped_cases_are_listed_with_their_reason(self):
        status, lines = summarise(
            test("io", "OK", TWO_PASS + "[ RUN      ] Io.Shared\nio_test.cpp:5: Skipped\n"
                 "no folder\n\n[  SKIPPED ] Io.Shared (0 ms)\n"), test("script", "SKIP", "", 77))
        self.assertEqual(status, 0)
        self.assertEqual(lines, ["skipped: io: Io.Shared (no folder)", "skipped: script (skip)",
                                 "2 passed, 0 failed, 2 skipped"])

    def test_nothing_run_is_a_failure(self):
        for tests in ([], [test("script", "SKIP", "", 77)]):
            status, lines = summarise(*tests)
            self.assertEqual(status, 1)
            self.assertIn("no test ran", lines)


if __name__ == "__main__":
    unittest.main()
