"""The options of memray 1.20 that no command of ours has, and what they are here: a filter, another name, nothing, a line to type.

Each name has a table: an option's long name: (its letter, whether it takes an argument, its meaning).
"""

# A meaning is a text: why memrec cannot do that, and what to type instead; a tuple: our own name; or one of these.
NOTHING = None		# it is so anyway, or needs no option here
TEMPORARY = ["memtemp"]
THRESHOLD = ["memtemp", "--threshold"]
FILE = object()		# standard output goes into this file
LIVE = ["memtop"]	# what reads the trace
SOURCE = object()	# all: --no-source

_REMOTE = "a trace goes through any connection: ssh HOST memrec --pid PID | memtop"

_FORMAT = {"no-compress": ("", False, NOTHING), "compress-on-exit": ("", False, NOTHING), "aggregate": ("", False, NOTHING)}
_TEMPORARY = {"temporary-allocations": ("", False, TEMPORARY), "temporary-allocation-threshold": ("", True, THRESHOLD)}
_OUTPUT = {"output": ("o", True, FILE), "force": ("f", False, NOTHING)}

OPTIONS = {
    "run": dict(_FORMAT, **{
        "quiet": ("q", False, NOTHING),
        "buffered-file-io": ("", False, NOTHING),
        "live": ("", False, LIVE),
        "live-remote": ("", False, _REMOTE),
        "live-port": ("", True, _REMOTE),
        "track-object-lifetimes": ("", False, "lifetimes of objects are not recorded; memrec --census names the types of live ones"),
    }),
    "attach": dict(_FORMAT, method=("", True, NOTHING)),
    "flamegraph": dict(_TEMPORARY, **{
        "force": ("f", False, NOTHING),
        "temporal": ("", False, NOTHING),
        "split-threads": ("", False, NOTHING),
        "no-web": ("", False, NOTHING),
        "max-memory-records": ("", True, NOTHING),
        "confidential-files": ("", True, SOURCE),
    }),
    "table": dict(_TEMPORARY, **dict(_OUTPUT, **{"no-web": ("", False, NOTHING)})),
    "tree": dict(_TEMPORARY, **{"biggest-allocs": ("b", True, ("biggest",))}),
    "summary": dict(_TEMPORARY, **{"sort-column": ("s", True, ("sort",)), "max-rows": ("r", True, ("rows",))}),
    "stats": _OUTPUT,
    "transform": dict(_TEMPORARY, **dict(_OUTPUT, leaks=("", False, ["memleak"]))),
}

# The commands of ours that have other names. transform has a command for each format.
REPORTS = {"flamegraph": ["memflame"], "parse": ["memcat", "--json"]}
FORMATS = {"csv": ["memtable", "--csv"], "speedscope": ["mem2speedscope"]}
NO_FORMAT = "%r is not written: transform knows csv and speedscope, and mem2pprof FILE > profile.pb.gz is for pprof"

# Names that do nothing here.
INSTEAD = {
    "live": "a trace goes through any pipe: memrec --pid PID | memtop, from another machine: ssh HOST memrec --pid PID | memtop",
    "detach": "Ctrl-C in memrec's terminal ends a recording, and so does kill -INT of memrec; the program goes on",
}
