"""One library beside conv-std: answers requests, a JSON object a line, until its input ends. `cargo xtask compare` starts one
process a library, `peers.py NAME THREADS`; the requests are those of crates/conv-std/benches/compare/main.rs, and, of `data`:

    {"do": "data", "case": line, "data": directory}      makes and leaves input, weights, scales and reference
    {"do": "check", "output": name}                      {"max_error": of what a library left, against the reference}
    {"do": "sweep", "count": n, "seed": s}               {"cases": lines of random layers}
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

import case as cases


class Data:
    """Makes the data, computes what is right, and compares."""

    def answer(self, request):
        if request["do"] == "sweep":
            return {"cases": cases.sweep(request["count"], request["seed"])}
        if request["do"] == "data":
            self.case, self.directory = cases.parse(request["case"]), Path(request["data"])
            x, w, scales = cases.make(self.case)
            for name, values in [("input", x), ("weights", w), ("scales", scales)]:
                values.tofile(self.directory / name)
            self.expected = cases.reference(self.case, x, w, scales)
            return {}
        if request["do"] == "check":
            found = np.fromfile(self.directory / request["output"]).reshape(self.expected.shape)
            return {"max_error": cases.error(self.case, found, self.expected)}
        raise ValueError(f"no request: {request}")


class Peer:
    """Runs a library's variants of the open case."""

    def __init__(self, module, threads):
        self.module, self.threads = module, threads
        self.clock = time.process_time if threads == 1 else time.perf_counter

    def answer(self, request):
        if request["do"] == "open":
            case, directory = cases.parse(request["case"]), Path(request["data"])
            shapes = [case.input_shape, case.weight_shape, (case.outputs,)]
            names = ["input", "weights", "scales"]
            x, w, scales = (np.fromfile(directory / n).reshape(s) for n, s in zip(names, shapes))
            # Of each variant what runs it, and what gives its output after a run.
            self.variants = self.module.variants(case, x, w, scales, self.threads)
            for name, (run, output) in self.variants.items():
                run()
                np.asarray(output(), np.float64).reshape(case.output_shape).tofile(directory / name)
            return {"variants": list(self.variants), "version": self.module.VERSION}
        if request["do"] == "measure":
            return {"us": self.mean(self.variants[request["variant"]][0], request["seconds"]) * 1e6}
        raise ValueError(f"no request: {request}")

    def mean(self, run, seconds):
        """Seconds that a call takes, over as many calls as fit: looked at after 1, 2, 4 … calls more."""
        run()
        start, passed, calls, more = time.perf_counter(), self.clock(), 0, 1
        while calls == 0 or time.perf_counter() - start < seconds:
            for _ in range(more):
                run()
            calls, more = calls + more, calls + more
        return (self.clock() - passed) / calls


def main():
    name, threads = sys.argv[1], int(sys.argv[2])
    # Libraries print where they like: answers have a pipe that none of them knows.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        worker = Data() if name == "data" else Peer(importlib.import_module(f"peer_{name}"), threads)
        problem = None
    except Exception as error:  # Of a library that is not there: each request is told.
        worker, problem = None, f"{type(error).__name__}: {error}"
    for line in sys.stdin:
        try:
            answer = worker.answer(json.loads(line)) if worker else {"error": problem}
        except Exception as error:
            answer = {"error": " ".join(f"{type(error).__name__}: {error}".split())}
        print(json.dumps(answer), file=answers)


main()
