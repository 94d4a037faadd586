"""Calls of the emulator, and answers in the form of AWS."""

import http.client
import json
import time

import botocore.loaders
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

ECS, SECRETS = "AmazonEC2ContainerServiceV20141113", "secretsmanager"
HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "host", "accept-encoding", "expect")
loader = botocore.loaders.Loader()
emulator = {"address": "", "region": ""}  # set by the start


def form(service):
    date = time.strftime("%Y%m%d")
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"AWS4-HMAC-SHA256 Credential=test/{date}/{emulator['region']}/{service}/aws4_request, "
        "SignedHeaders=host, Signature=0",
    }


def call(service, target, operation, /, **parameters):
    headers = {**form(service), "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{target}.{operation}"}
    status, _, text = send("POST", "/", headers, json.dumps(parameters).encode())
    return status, json.loads(text)


def ecs_call(operation, /, **parameters):
    return call("ecs", ECS, operation, **parameters)[1]


def send(method, path, headers, body):
    connection = http.client.HTTPConnection(emulator["address"], timeout=120)
    try:
        kept = {name: value for name, value in headers.items() if name.lower() not in HOP}
        connection.request(method, path, body or None, kept)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


def validated(service, operation, answer):
    """Return the answer, which has to be one that botocore's model of the service allows."""
    model = ServiceModel(loader.load_service_model(service, "service-2"), service)
    report = ParamValidator().validate(answer, model.operation_model(operation).output_shape)
    assert not report.has_errors(), f"{service} {operation}: {report.generate_report()}"
    return answer
