"""Checks requests to AWS as the file of the first argument has them: each must be what botocore itself would send.

Verifies each signature with botocore's signer, and finds the operation and checks its input with botocore's model of the service.
Prints a list with the operation and input of each request.
"""

import base64
import json
import re
import sys
from urllib.parse import parse_qsl, unquote, urlsplit

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.validate import validate_parameters

SESSION = botocore.session.Session()


def check_signature(request, credentials, headers):
    scope, signed, received = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
        headers["authorization"],
    ).groups()
    key, _, region, service, _ = scope.split("/")
    assert key == credentials.access_key and service == request["service"], scope
    names = signed.split(";")
    assert {"host", "x-amz-date"} <= set(names), signed
    assert all(name in names for name in headers if name.startswith("x-amz-")), signed
    again = AWSRequest(
        method=request["method"],
        url="https://" + headers["host"] + request["url"],
        headers={name: headers[name] for name in names},
        data=base64.b64decode(request["body"]),
    )
    again.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(credentials, service, region)
    expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert received == expected, "the signature is wrong"


def read_json(model, request, headers):
    prefix, name = headers["x-amz-target"].split(".")
    assert prefix == model.metadata["targetPrefix"], prefix
    return name, json.loads(base64.b64decode(request["body"]))


def read_query(model, request, headers):
    fields = dict(parse_qsl(base64.b64decode(request["body"]).decode(), strict_parsing=True))
    assert fields.pop("Version") == model.api_version
    return fields.pop("Action"), fields


def read_rest(model, request, headers):
    path = urlsplit(request["url"]).path
    for name in model.operation_names:
        operation = model.operation_model(name)
        template = operation.http["requestUri"].rstrip("/")
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
        found = re.fullmatch(pattern, path)
        if found is None or operation.http["method"] != request["method"]:
            continue
        members = operation.input_shape.members
        fields = {
            member: unquote(found[shape.serialization["name"]])
            for member, shape in members.items()
            if shape.serialization.get("location") == "uri"
        }
        fields.update(
            (member, headers[shape.serialization["name"].lower()])
            for member, shape in members.items()
            if shape.serialization.get("location") == "header"
            and shape.serialization["name"].lower() in headers
        )
        fields[operation.input_shape.serialization["payload"]] = base64.b64decode(request["body"])
        return name, fields
    raise AssertionError("no operation has " + request["method"] + " " + path)


READERS = {"json": read_json, "query": read_query, "rest-json": read_rest}


def check(request, credentials):
    headers = {name.lower(): value for name, value in request["headers"]}
    assert len(headers) == len(request["headers"]), "a header is there twice"
    check_signature(request, credentials, headers)
    model = SESSION.get_service_model(request["service"])
    name, fields = READERS[model.metadata["protocol"]](model, request, headers)
    validate_parameters(fields, model.operation_model(name).input_shape)
    return {"operation": name, "input": fields}


with open(sys.argv[1], encoding="utf-8") as file:
    given = json.load(file)
checked = [check(request, Credentials(**given["credentials"])) for request in given["requests"]]
print(json.dumps(checked, default=lambda content: content.decode()))
