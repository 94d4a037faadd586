"""Failures of calls to AWS, from their codes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Exit, Failed, fail

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.client import AwsError


@dataclass(frozen=True)
class Known:
    code: str
    message: str
    hint: str
    exit: Exit = Exit.REFUSED


EXPIRED = Known(
    "CREDENTIALS_EXPIRED",
    "the credentials of AWS have expired",
    "log in again (`aws sso login`, or new values for the AWS_* variables), then run the same command again",
)
INVALID = Known(
    "NO_CREDENTIALS",
    "AWS does not accept these credentials, or there are none",
    "set AWS_PROFILE, or the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
)
THROTTLED = Known(
    "THROTTLED",
    "AWS throttled the call, and its repetitions",
    "wait a minute, then run the same command again",
    Exit.TIMEOUT,
)
UNREACHABLE = Known(
    "AWS_UNREACHABLE",
    "AWS cannot be reached",
    "check the network, the region in deploy/inventory.yaml and AWS_ENDPOINT_URL",
    Exit.TIMEOUT,
)
KNOWN = {
    **dict.fromkeys(
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "RequestExpired",
            "SSOTokenLoadError",
            "TokenRetrievalError",
            "UnauthorizedSSOTokenError",
            "CredentialRetrievalError",
        ),
        EXPIRED,
    ),
    **dict.fromkeys(
        (
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
            "UnrecognizedClientException",
            "SignatureDoesNotMatch",
            "IncompleteSignature",
            "NoCredentialsError",
            "PartialCredentialsError",
            "ProfileNotFound",
        ),
        INVALID,
    ),
    **dict.fromkeys(
        ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown"),
        THROTTLED,
    ),
    **dict.fromkeys(
        (
            "EndpointConnectionError",
            "ConnectTimeoutError",
            "ReadTimeoutError",
            "ConnectionClosedError",
            "ConnectionError",
            "HTTPClientError",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "InternalError",
            "InternalFailure",
            "ServerException",
        ),
        UNREACHABLE,
    ),
}
# Operations whose permission has another name.
ACTIONS = {"ListObjectsV2": "ListBucket"}
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess", "AllAccessDisabled")


def explained(error: AwsError) -> Failed:
    """Return the failure for a call; AWS_ERROR for an unknown code."""
    called = f"{error.service}: {error.operation}"
    if error.code in DENIED:
        hint = f"allow these credentials the action {permission(error.service, error.operation)}"
        return fail("ACCESS_DENIED", f"AWS denied {called}", error.message, hint=hint)
    if known := KNOWN.get(error.code):
        return fail(known.code, f"{known.message} ({called})", error.message, hint=known.hint, exit=known.exit)
    return fail("AWS_ERROR", f"AWS refused {called}", f"{error.code}: {error.message}", hint="correct the cause above")


def permission(service: str, operation: str) -> str:
    """Return the name of the action, as policies have it: ecs:UpdateService."""
    services = {"elbv2": "elasticloadbalancing"}
    action = "".join(part.capitalize() for part in operation.split("_"))
    return f"{services.get(service, service)}:{ACTIONS.get(action, action)}"
