"""What the peers share: options, and a result as the line of JSON that `ulmfit bench --json` prints too."""

import argparse
import json
import os
import resource
import statistics
import sys
import time

# Sizes of the paper; those of `ulmfit bench` are the same.
DEFAULTS = {
    "vocab": 30000,
    "emb": 400,
    "hid": 1152,
    "layers": 3,
    "bs": 64,
    "bptt": 70,
    "steps": 5,
    "docs": 256,
    "doc_len": 280,
    "classes": 2,
    "threads": os.cpu_count(),
}


def parser(what):
    """A parser of the options that every peer takes; `what` lists the work that this one can do."""
    options = argparse.ArgumentParser()
    options.add_argument("what", choices=what)
    for name, default in DEFAULTS.items():
        options.add_argument("--" + name.replace("_", "-"), type=int, default=default)
    return options


def timed(work, times):
    """The wall times of calls, in seconds."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def report(tool, options, seconds, tokens, **more):
    """Prints the result of passes over `tokens` tokens each."""
    median = statistics.median(seconds)
    result = {
        "tool": tool,
        "what": options.what,
        "tokens_per_second": tokens / median,
        "median_s": median,
        "min_s": min(seconds),
        "max_s": max(seconds),
        "threads": options.threads,
        **more,
        "peak_rss_bytes": peak_rss_bytes(),
    }
    print(json.dumps(result), flush=True)


def peak_rss_bytes():
    """The most memory that this process had resident so far."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    except FileNotFoundError:
        # In kilobytes, but on macOS in bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
