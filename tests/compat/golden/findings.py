"""What a comparison finds, and the Markdown table that tells it."""

import sys

import numpy

from golden.cli import CliError

TOLERANCE = 2e-3  # absolute, on logits of a float32 path


class Findings:
    """The largest difference of logits, and what is wrong beyond that."""

    def __init__(self):
        self.difference = 0.0
        self.faults = []

    def logits(self, found, expected):
        if found.shape != expected.shape:
            self.faults.append(f"logits are {found.shape}, expected {expected.shape}")
        elif not numpy.isfinite(found).all():
            self.faults.append("logits are not finite")
        else:
            self.difference = max(self.difference, float(numpy.abs(found - expected).max()))

    def cached(self, moments, found, expected):
        """Lists of cached positions, one for each of the moments."""
        if len(found) != len(expected):
            self.faults.append(f"cached positions are told {len(found)} times, expected {len(expected)}")
        for moment, here, there in zip(moments, found, expected):
            if here != there:
                self.faults.append(f"after {moment} {runs(here)} are cached, expected {runs(there)}")


def runs(positions):
    """0, 1, 2, 7 as 0-2 7."""
    pairs = []
    for position in positions:
        if pairs and pairs[-1][1] == position - 1:
            pairs[-1][1] = position
        else:
            pairs.append([position, position])
    return " ".join(f"{first}-{last}" if last > first else str(first) for first, last in pairs)


def examine(check, *arguments):
    """Findings of `check(findings, *arguments)`; a program that fails is a fault."""
    findings = Findings()
    try:
        check(findings, *arguments)
    except CliError as error:
        findings.faults.append(str(error))
    return findings


class Table:
    """Rows as they come. Without a tolerance differences are told and not judged."""

    def __init__(self, *headings, tolerance=TOLERANCE):
        self._tolerance = tolerance
        self._rows = 0
        self._worst = 0.0
        self._bad = 0
        self._print(*headings, "difference", "fault")
        self._print(*["---"] * (len(headings) + 2))

    def row(self, *cells, findings):
        too_large = self._tolerance is not None and findings.difference > self._tolerance
        faults = ["too large"] * too_large + findings.faults
        self._rows += 1
        self._worst = max(self._worst, findings.difference)
        self._bad += bool(faults)
        self._print(*cells, f"{findings.difference:.1e}", "; ".join(faults).replace("|", "\\|"))

    def close(self):
        """How many rows are bad; no rows at all prove nothing and are one."""
        print(f"\n{self._rows} rows, {self._bad} bad, worst {self._worst:.1e}\n", flush=True)
        return self._bad if self._rows else 1

    @staticmethod
    def _print(*cells):
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def progress(*words):
    print(*words, file=sys.stderr, flush=True)
