"""Runs checks one after another and prints what each of them found, one JSON line a check."""

import json

import grpc


class Suite:
    def __init__(self):
        self.failures = 0

    def check(self, name):
        """Runs the decorated check at once. A call that fails is a fault of its check, not the end of the others."""

        def run(function):
            result = Result()
            try:
                function(result)
            except Exception as failure:
                result.faults.append(repr(failure))
            line = {"check": name, "ok": not result.faults}
            if result.faults:
                self.failures += 1
                line["faults"] = result.faults
            print(json.dumps(line), flush=True)

        return run


class Result:
    def __init__(self):
        self.faults = []

    def equal(self, what, got, want):
        if got != want:
            self.faults.append(f"{what}: expected {want!r}, got {got!r}")

    def fails(self, what, call) -> grpc.RpcError:
        try:
            answer = call()
        except grpc.RpcError as failure:
            return failure
        raise AssertionError(f"{what}: expected a failure, got {answer!r}")
