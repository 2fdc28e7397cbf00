"""10,000 calls over a few connections that ping: half of them are cancelled, some have deadlines that expire."""

import random
import threading
from collections import Counter

import grpc
from stigg.sidecar.v1 import sidecar_pb2 as pb
from stigg.sidecar.v1.sidecar_pb2_grpc import SidecarServiceStub

from calls import CUSTOMER, PATIENCE_SECONDS

CALLS = 10_000
CONNECTIONS = 4
AT_ONCE = 500
OPTIONS = [
    ("grpc.keepalive_time_ms", 1_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # Else all of them share one connection.
    ("grpc.use_local_subchannel_pool", 1),
]
KEPT, CANCELLED, EXPIRED = "kept", "cancelled", "expired"


def check_storm(suite, address):
    channels = [grpc.insecure_channel(address, options=OPTIONS) for _ in range(CONNECTIONS)]
    outcomes = {KEPT: Counter(), CANCELLED: Counter(), EXPIRED: Counter()}
    turns = threading.Semaphore(AT_ONCE)
    lock = threading.Lock()
    request = pb.GetBooleanEntitlementRequest(customer_id=CUSTOMER, feature_id="sso")

    def settled(kind):
        def done(call):
            code = call.code()
            denied = code == grpc.StatusCode.OK and not call.result().has_access
            with lock:
                outcomes[kind]["denied" if denied else code.name] += 1
            turns.release()

        return done

    stubs = [SidecarServiceStub(channel) for channel in channels]
    for number in range(CALLS):
        kind = CANCELLED if number % 2 == 1 else EXPIRED if number % 20 == 0 else KEPT
        turns.acquire()
        timeout = random.random() * 0.002 if kind == EXPIRED else PATIENCE_SECONDS
        compression = grpc.Compression.Gzip if number % 8 == 2 else None
        call = stubs[number % CONNECTIONS].GetBooleanEntitlement.future(request, timeout=timeout, compression=compression)
        call.add_done_callback(settled(kind))
        if kind == CANCELLED:
            if number % 4 == 1:
                call.cancel()
            else:
                threading.Timer(random.random() * 0.003, call.cancel).start()
    for _ in range(AT_ONCE):
        turns.acquire()
    for channel in channels:
        channel.close()

    @suite.check("in a storm no call fails that nobody cancelled")
    def _(r):
        r.equal("others", _without(outcomes[KEPT], "OK"), {})

    @suite.check("in a storm a cancelled call is cancelled or answered")
    def _(r):
        r.equal("others", _without(outcomes[CANCELLED], "OK", "CANCELLED"), {})

    @suite.check("in a storm a deadline is met or has passed")
    def _(r):
        r.equal("others", _without(outcomes[EXPIRED], "OK", "DEADLINE_EXCEEDED"), {})


def _without(counter, *allowed):
    return {code: count for code, count in counter.items() if code not in allowed}
