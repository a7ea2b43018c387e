"""The protocol of a peer, see README.md: one JSON line per request on stdin, one per answer on stdout."""

import functools
import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""


@functools.cache
def read_work(folder):
    """The entry of works.mjs that the folder was prepared for, with the folder."""
    with open(f"{folder}/work.json") as file:
        return {**json.load(file), "folder": folder}


def serve(version, measure):
    """Answers with `measure(work)`: {"seconds", "check"}. With --once FOLDER: one answer, then the end."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    tell = lambda answer: print(json.dumps(answer), file=answers, flush=True)
    if sys.argv[1:2] == ["--once"]:
        tell(measure(read_work(sys.argv[2])))
        return
    tell({"version": version})
    for line in sys.stdin:
        try:
            tell(measure(read_work(json.loads(line)["folder"])))
        except Exception as error:  # the bench reports it and goes on with the other peers
            tell({"error": f"{type(error).__name__}: {error}"[:500]})


class EpochClock:
    """Times epochs. The first (it warms up) and the last (it fetches losses) do not count."""

    def __init__(self):
        self.ends = []

    def end(self):
        self.ends.append(time.perf_counter())

    @property
    def seconds(self):
        """Of one epoch, on average."""
        return (self.ends[-2] - self.ends[0]) / (len(self.ends) - 2)


def timed(call):
    """(seconds, result)"""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result
