"""How a notebook shows answers: lists of rows as tables, statistics with a picture of memory over time."""
from html import escape

_MOST_ROWS = 50
_WIDTH, _HEIGHT, _LEFT = 640, 120, 70
_BYTES = ("size", "bytes")


def size_text(size):
    """As the commands print sizes: powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            break
        size /= 1000.0
    else:
        unit = "TB"
    return "%d%s" % (size, unit) if unit == "B" else "%.3f%s" % (size, unit)


def _is_bytes(name):
    return any(name == word or name.endswith("_" + word) for word in _BYTES)


def _text(name, value):
    if isinstance(value, int) and not isinstance(value, bool):
        return size_text(value) if _is_bytes(name) else format(value, ",")
    if isinstance(value, list):		# threads
        return ", ".join(str(v.get("name") or v.get("tid")) if isinstance(v, dict) else str(v) for v in value)
    return str(value)


def _cell(tag, text, number):
    return "<%s%s>%s</%s>" % (tag, ' style="text-align:right"' if number else ' style="text-align:left"', escape(text), tag)


def table(rows):
    """Returns a table of dicts that have the same keys."""
    if not rows:
        return "<p>no rows</p>"
    numbers = {name: isinstance(value, (int, float)) for name, value in rows[0].items()}
    lines = ["".join(_cell("th", name, numbers[name]) for name in numbers)]
    lines += ["".join(_cell("td", _text(name, row.get(name, "")), numbers[name]) for name in numbers) for row in rows[:_MOST_ROWS]]
    more = "<p>… and %d more rows</p>" % (len(rows) - _MOST_ROWS) if len(rows) > _MOST_ROWS else ""
    return "<table>%s</table>%s" % ("".join("<tr>%s</tr>" % line for line in lines), more)


def _steps(rows, name, begin, end, most):
    """Returns the path of a figure over time: at most one step a pixel, its largest value there."""
    columns = {}
    for row in rows:
        x = round((row["time_ms"] - begin) * (_WIDTH - 1) / (end - begin))
        columns[x] = max(columns.get(x, 0), row[name])
    path, before = [], None
    for x, value in sorted(columns.items()):
        y = _HEIGHT - value * (_HEIGHT - 2) / most
        path.append("%s%d,%.1f" % ("M" if before is None else "H%dL" % (x + _LEFT), x + _LEFT, y))
        before = y
    return "".join(path)


def timeline(rows):
    """Returns a picture of heap and resident memory over time, from the rows of `memtime --json`; "" if there are too few."""
    rows = [row for row in rows if row["heap"] or row["rss"]]
    most = max([max(row["heap"], row["rss"]) for row in rows], default=0)
    if len(rows) < 2 or most == 0:
        return ""
    begin, end = rows[0]["time_ms"], rows[-1]["time_ms"]
    resident = [row for row in rows if row["rss"]]
    lines = [(rows, "heap", "#d04a02"), (resident, "rss", "#3b6fb6")]
    drawn = "".join('<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>' % (_steps(part, name, begin, end, most), colour)
                    for part, name, colour in lines if part)
    at = 'font-size="11" font-family="sans-serif" fill="currentColor"'
    return ('<svg width="%d" height="%d" role="img" aria-label="heap and resident memory over time">'
            '<text x="%d" y="11" text-anchor="end" %s>%s</text><text x="%d" y="%d" text-anchor="end" %s>0</text>%s'
            '<text x="%d" y="%d" %s>heap <tspan fill="#d04a02">━</tspan> resident <tspan fill="#3b6fb6">━</tspan>, %.1f s</text></svg>'
            % (_LEFT + _WIDTH, _HEIGHT + 18, _LEFT - 4, at, size_text(most), _LEFT - 4, _HEIGHT, at, drawn,
               _LEFT, _HEIGHT + 14, at, (end - begin) / 1000.0))


class Rows(list):
    """A list of dicts, which a notebook shows as a table."""

    def _repr_html_(self):
        return table(self)


class Figures(dict):
    """A dict of statistics; a notebook shows the most important ones, and memory over time."""

    #: the trace's path and its filters, for the picture; None: it was a stream
    trace = None
    through = ()

    def _repr_html_(self):
        metadata = self["metadata"]
        rows = [("Command", metadata["command_line"]), ("Peak memory", size_text(metadata["peak_memory"])),
                ("Allocations", format(self["total_num_allocations"], ",")), ("Allocated in all", size_text(self["total_bytes_allocated"]))]
        head = "".join("<tr>%s%s</tr>" % (_cell("th", name, False), _cell("td", value, False)) for name, value in rows)
        return "<table>%s</table>%s%s" % (head, timeline(self._times()), table(self["top_allocations_by_size"]))

    def _times(self):
        from . import reading
        return reading.times(self.trace, self.through) if self.trace is not None else []
