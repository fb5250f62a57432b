"""python -m memrec rows: memrows as a Parquet file or an Arrow stream.

memrows writes its texts once, to a file, and rows of numbers to a pipe. pyarrow reads the rows, refers them to the
texts (as dictionaries), and writes them, a row group at a time: the memory needed is that of one row group and of
the texts.
"""
import argparse
import csv
import os
import signal
import stat
import subprocess
import sys
import tempfile

from . import _places

_FATES = ["freed", "leaked", "shutdown", "exec"]
_TEXTS = ["allocator", "host", "process", "thread", "span", "package", "function", "file", "stack"]
_NUMBERS = ["pid", "tid", "line", "stack_id"]
_BATCH_BYTES = 4 << 20


class _Texts:
    """The columns of the file of texts: for each place a code into a dictionary, or a number."""

    def __init__(self, path):
        self._file = open(path, newline="", encoding="utf-8")
        self._header = None
        self._rest = ""
        self.n = 0
        self.columns = []

    def close(self):
        self._file.close()

    def read(self):
        """Takes the lines written since the last call."""
        lines = (self._rest + self._file.read()).split("\n")
        self._rest = lines.pop()		# not whole yet
        for row in csv.reader(lines):
            if self._header is None:
                self._header = row
                self.columns = [_Column(name in _TEXTS) for name in row]
                self.names = dict(zip(row, self.columns))
                continue
            for column, text in zip(self.columns, row):
                column.add(text)
            self.n += 1


class _Column:
    def __init__(self, is_text):
        self.is_text = is_text
        self.values = []		# a code or a number for each place; None: not known
        self.codes = {}			# text -> code
        self._made = None

    def add(self, text):
        if not text:
            self.values.append(None)
        elif self.is_text:
            self.values.append(self.codes.setdefault(text, len(self.codes)))
        else:
            self.values.append(int(text))

    def arrays(self, pa):
        """(a code or number for each place, the dictionary or None), made anew when there are more places."""
        if self._made is None or len(self._made[0]) != len(self.values):
            values = pa.array(self.values, pa.int32() if self.is_text else pa.int64())
            self._made = values, pa.array(list(self.codes), pa.string()) if self.is_text else None
        return self._made


class _Converter:
    """Makes tables of the final columns from batches of memrows --texts."""

    def __init__(self, pa, texts):
        import pyarrow.compute
        self.pa, self.pc, self.texts = pa, pyarrow.compute, texts

    def _text(self, name, places):
        values, dictionary = self.texts.names[name].arrays(self.pa)
        taken = values.take(places)
        return taken if dictionary is None else self.pa.DictionaryArray.from_arrays(taken, dictionary)

    def _born(self, places, born):
        starts = self.texts.names["start_ms"].arrays(self.pa)[0].take(places)
        starts = self.pc.if_else(self.pc.equal(starts, 0), None, starts)
        return self.pc.add(starts, born).cast(self.pa.timestamp("ms", tz="UTC"))

    def batch(self, batch):
        self.texts.read()
        pa, columns = self.pa, {}
        places = batch.column("place")
        for name in batch.schema.names:
            column = batch.column(name)
            if name == "fate":
                codes = self.pc.index_in(column, value_set=pa.array(_FATES))
                column = pa.DictionaryArray.from_arrays(codes, pa.array(_FATES))
            if name == "born_ms":
                columns["born"] = self._born(places, column)
            if name != "place":
                columns[name] = column
        for name in self.texts.names:
            if name in _TEXTS or name in _NUMBERS:
                columns[name] = self._text(name, places)
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


class _Parquet:
    """Collects batches up to the size of a row group."""

    def __init__(self, pa, sink, rows):
        import pyarrow.parquet
        self.pa, self.parquet, self.sink, self.rows = pa, pyarrow.parquet, sink, rows
        self.batches, self.n, self.writer = [], 0, None

    def write(self, batch):
        at = 0
        while at < batch.num_rows or not self.batches and self.writer is None:
            part = batch.slice(at, self.rows - self.n)
            self.batches.append(part)
            self.n += part.num_rows
            at += part.num_rows
            if self.n == self.rows:
                self._write_group()

    def _write_group(self):
        table = self.pa.Table.from_batches(self.batches).unify_dictionaries()
        if self.writer is None:
            texts = [f.name for f in table.schema if self.pa.types.is_dictionary(f.type)]
            self.writer = self.parquet.ParquetWriter(self.sink, table.schema, compression="zstd", use_dictionary=texts,
                                                     dictionary_pagesize_limit=1 << 30)
        if self.n:
            self.writer.write_table(table, row_group_size=self.n)
        self.batches, self.n = [], 0

    def close(self):
        if self.batches:
            self._write_group()
        self.writer.close()


class _Arrow:
    def __init__(self, pa, sink, rows):
        import pyarrow.ipc
        self.ipc, self.sink, self.writer = pyarrow.ipc, sink, None

    def write(self, batch):
        if self.writer is None:
            options = self.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
            self.writer = self.ipc.new_stream(self.sink, batch.schema, options=options)
        self.writer.write_batch(batch)

    def close(self):
        self.writer.close()


def _fail(text):
    sys.stderr.write("memrec: %s\n" % text)
    sys.exit(1)


def _column_types(pa):
    numbers = ["size", "allocations", "bytes", "born_ms", "died_ms", "lifetime_ms", "leaked_allocations", "leaked_bytes",
               "largest", "first_ms", "last_ms", "mean_lifetime_ms"]
    types = {name: pa.int64() for name in numbers}
    types.update(place=pa.int32(), fate=pa.string(), freed=pa.bool_())
    return types


def _convert(pa, rows, texts_path, writer):
    import pyarrow.csv
    options = pyarrow.csv.ConvertOptions(column_types=_column_types(pa), strings_can_be_null=True)
    texts = _Texts(texts_path)
    try:
        reader = pyarrow.csv.open_csv(rows, pyarrow.csv.ReadOptions(block_size=_BATCH_BYTES), convert_options=options)
        converter = _Converter(pa, texts)
        written = False
        for batch in reader:
            writer.write(converter.batch(batch))
            written = True
        if not written:
            writer.write(converter.batch(pa.RecordBatch.from_pylist([], schema=reader.schema)))
        writer.close()
    finally:
        texts.close()


def _sink(path):
    if path is None:
        if sys.stdout.isatty():
            sys.stderr.write("memrec: rows are binary: append '> FILE', or use -o FILE\n")
            sys.exit(2)
        return sys.stdout.buffer
    return open(path, "wb")


def wanted(words):
    """Whether these arguments of memrows are for this module."""
    return "--parquet" in words or "--arrow" in words


def _outlive_first_interrupt():
    """Like the commands: Ctrl-C also ends memrec, which writes the rest of its trace; the second one ends us."""
    mode = os.fstat(0).st_mode
    if (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: signal.signal(signal.SIGINT, signal.SIG_DFL))


def main(words):
    """Runs memrows with the other arguments; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m memrec rows", add_help=False, allow_abbrev=False)
    parser.add_argument("--parquet", action="store_true")
    parser.add_argument("--arrow", action="store_true")
    parser.add_argument("-o", "--output")
    parser.add_argument("--row-group", type=int, default=1000000)
    own, rest = parser.parse_known_args(words)
    if own.parquet and own.arrow:
        parser.error("give only one of --parquet and --arrow")
    if own.row_group < 1:
        parser.error("--row-group must be at least 1")
    try:
        import pyarrow
    except ImportError:
        _fail("Parquet and Arrow are written by pyarrow, which this Python does not have: pip install 'memrec[rows]'")
    _outlive_first_interrupt()
    # Its threads would only wait for one another: memrows and this program are a pipeline already.
    with tempfile.TemporaryDirectory(prefix="memrec-") as folder:
        texts = os.path.join(folder, "texts.csv")
        command = [_places.command("memrows"), "--texts", texts] + rest
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=_places.environment())
        try:
            first = process.stdout.peek(1)
            if not first:			# an error, which memrows has reported
                return process.wait()
            sink = _sink(own.output)
            with sink:
                _convert(pyarrow, process.stdout, texts, (_Parquet if own.parquet else _Arrow)(pyarrow, sink, own.row_group))
        except (OSError, pyarrow.ArrowException) as e:
            _fail(e)
        finally:
            process.stdout.close()
            status = process.wait()
    return status
