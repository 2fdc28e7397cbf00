"""Asks a sidecar through OpenFeature's own client: client.py http://HOST:PORT. Prints what it was answered, as JSON."""

import json
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

api.set_provider(OFREPProvider(sys.argv[1]))
client = api.get_client()


def acme(**attributes):
    return EvaluationContext("acme", attributes)


print(
    json.dumps(
        {
            "sso": client.get_boolean_value("sso", False, acme()),
            "seats": client.get_boolean_value("seats", False, acme(requestedUsage=7)),
            "tooManySeats": client.get_boolean_value("seats", True, acme(requestedUsage=8)),
            "retention": client.get_integer_value("retention-days", 1, acme()),
            "regions": client.get_string_value("regions", "", acme()),
            "usage": client.get_object_value("seats", {}, acme(valueAs="object"))["metered"]["currentUsage"],
            "reason": client.get_boolean_details("white-label", True, acme()).flag_metadata["accessDeniedReason"],
            "unknown": client.get_boolean_details("nothing", True, acme()).error_code.value,
            "nobody": client.get_boolean_details("sso", True, EvaluationContext()).error_code.value,
        }
    )
)
