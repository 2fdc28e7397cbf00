"""Calls every method of a running sidecar with grpcio and stubs generated from this project's proto.

    client.py [storm] HOST:PORT        (the generated stubs have to be on PYTHONPATH)

With "storm" it makes 10,000 calls instead, many at a time. Prints one JSON line for each check, and exits 1 when one of them found something else than it expects.
What it expects is the catalog of ../catalog.ts.
"""

import sys

import grpc
from stigg.sidecar.v1.sidecar_pb2_grpc import SidecarServiceStub

from feature_checks import check_lists, check_second_generation, check_single_features
from report_checks import check_reports
from reporting import Suite
from storm import check_storm
from transport_checks import check_refusals, check_transport


def main() -> int:
    is_storm = sys.argv[1:2] == ["storm"]
    if len(sys.argv) != (3 if is_storm else 2):
        print("usage: client.py [storm] HOST:PORT", file=sys.stderr)
        return 2
    if is_storm:
        suite = Suite()
        check_storm(suite, sys.argv[2])
        return 1 if suite.failures else 0
    with grpc.insecure_channel(sys.argv[1]) as channel:
        sidecar = SidecarServiceStub(channel)
        suite = Suite()
        check_lists(suite, sidecar)
        check_single_features(suite, sidecar)
        check_second_generation(suite, sidecar)
        check_reports(suite, sidecar)
        check_refusals(suite, sidecar, channel)
        check_transport(suite, sidecar)
        return 1 if suite.failures else 0


if __name__ == "__main__":
    sys.exit(main())
