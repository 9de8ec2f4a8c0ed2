"""How scripts that are tests report: a line a check, as cmocka prints it, and what to mend."""

SKIPPED = object()


class Report:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, complaints):
        """complaints: texts, none of them when all is well; or SKIPPED and the reason."""
        complaints = list(complaints)
        print(f"[ RUN      ] {name}")
        if complaints and complaints[0] is SKIPPED:
            self.skipped += 1
            print(f"{complaints[1]}\n[  SKIPPED ] {name}", flush=True)
        elif complaints:
            self.failed += 1
            print("\n".join(complaints) + f"\n[  FAILED  ] {name}", flush=True)
        else:
            self.passed += 1
            print(f"[       OK ] {name}", flush=True)
        return not complaints

    def close(self):
        """Prints the sums; returns the exit status."""
        for count, label in ((self.skipped, "[  SKIPPED ]"), (self.failed, "[  FAILED  ]")):
            if count:
                print(f"{label} {count} test(s).")
        print(f"[  PASSED  ] {self.passed} test(s).")
        return 1 if self.failed else 0
