"""Comparing the figures of a pytest session with those of an earlier one, kept in a file."""
import json
import re

from . import _limits

_FORMAT = "memrec-pytest"
_SMALL = 0.01		# changes of less than 1 % are not listed


def write(path, results):
    """Writes each test's peak and number of allocations."""
    tests = {test: {"peak": r["peak"], "allocations": r["allocations"]} for test, r in sorted(results.items())}
    with open(path, "w") as out:
        json.dump({"format": _FORMAT, "version": 1, "tests": tests}, out, indent=1)
        out.write("\n")


def load(path):
    """Returns figures by test. Raises ValueError with one line if the file is of another kind, OSError if it cannot be read."""
    with open(path) as file:
        try:
            data = json.load(file)
        except ValueError as e:
            raise ValueError("%s is not JSON: %s" % (path, e)) from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT or data.get("version") != 1:
        raise ValueError("%s was not written by --memrec-json" % path)
    return data["tests"]


class Limit:
    """'peak > +5%', 'peak > +1MB', 'allocations > +100', or without the plus: of the new figure. A MB is 1024 KB."""

    def __init__(self, text):
        match = re.match(r"\s*(peak|allocations)\s*>\s*(\+?)\s*([\d.]+\s*(%|[KMGTP]?B|))\s*$", text, re.IGNORECASE)
        if not match or (match[4] == "%" and not match[2]):
            raise ValueError("'%s' is not a limit, such as 'peak > +5%%', 'peak > +1MB' or 'allocations > +100'" % text)
        self.text = text
        self.figure = match[1].lower()
        self._growth = bool(match[2])
        self._percent = match[4] == "%"
        number = match[3].rstrip("% ")
        self._amount = _limits.parse_size(number) if match[4] and not self._percent else float(number)

    def is_exceeded(self, before, after):
        """before: the old figures, None for a new test."""
        new = after[self.figure]
        if not self._growth:
            return new > self._amount
        if before is None:
            return False
        old = before[self.figure]
        return new - old > (old * self._amount / 100 if self._percent else self._amount)


def _figure(name, value):
    return _limits.size_text(value) if name == "peak" else "%d allocations" % value


def _change(name, before, after):
    if before is None:
        return "new: %s" % _figure(name, after[name])
    old, new = before[name], after[name]
    percent = " (%+.1f%%)" % (100.0 * (new - old) / old) if old else ""
    return "%s -> %s%s" % (_figure(name, old), _figure(name, new), percent)


class Comparison:
    """The differences of two sessions."""

    def __init__(self, before, after, limits):
        self._before, self._after = before, after
        #: (limit, test) of each limit that a test exceeds
        self.exceeded = [(limit, test) for limit in limits for test in sorted(after) if limit.is_exceeded(before.get(test), after[test])]

    def lines(self, most):
        """Returns the report; at most so many tests whose peaks changed, 0: all."""
        both = [test for test in self._after if test in self._before]
        changes = {test: self._after[test]["peak"] - self._before[test]["peak"] for test in both}
        changed = [test for test in both if abs(changes[test]) > _SMALL * self._before[test]["peak"]]
        changed.sort(key=lambda test: (-abs(changes[test]), test))
        lines = ["%s: peak %s" % (test, _change("peak", self._before[test], self._after[test])) for test in changed[:most or None]]
        if most and len(changed) > most:
            lines.append("... and %d more" % (len(changed) - most))
        new = len(self._after) - len(both)
        gone = len(set(self._before) - set(self._after))
        lines.append("%d tests within 1 %%, %d changed, %d new, %d not run" % (len(both) - len(changed), len(changed), new, gone))
        lines += ["over the limit '%s': %s: %s" % (limit.text, test, _change(limit.figure, self._before.get(test), self._after[test]))
                  for limit, test in self.exceeded]
        return lines
