#!/usr/bin/env python3
"""Runs the example programs: each must end with status 0. Prints a line a program, as the unit
tests do."""
import pathlib
import subprocess
import sys

PATIENCE_S = 60


def main():
    passed = failed = 0
    for program in sys.argv[1:]:
        name = pathlib.Path(program).name
        result = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=PATIENCE_S)
        print(result.stdout + result.stderr, end="")
        if result.returncode == 0:
            passed += 1
            print(f"[       OK ] {name}")
        else:
            failed += 1
            print(f"[  FAILED  ] {name}")
    print(f"[  PASSED  ] {passed} test(s).")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
