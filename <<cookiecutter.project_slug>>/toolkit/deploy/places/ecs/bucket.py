"""Text objects below a prefix of an S3 bucket, written by compare-and-swap (If-None-Match, If-Match)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs.client import AwsError

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.client import Client

# A condition was not met, or another write to the same object was under way.
CONFLICT = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
MISSING = ("NoSuchKey", "404", "NotFound")


@dataclass(frozen=True)
class Item:
    """`age`: seconds since its last write, by the clock of S3 alone."""

    text: str
    etag: str
    age: float


@dataclass(frozen=True)
class Bucket:
    """`prefix` ends with a slash. Members raise AwsError, except what a condition decides."""

    client: Client
    name: str
    prefix: str

    def get(self, key: str) -> Item | None:
        try:
            called = self.client.call("s3", "get_object", {"Bucket": self.name, "Key": self.prefix + key})
        except AwsError as error:
            if error.code in MISSING:
                return None
            raise
        written = str(called.answer["LastModified"])
        return Item(str(called.answer["Body"]), str(called.answer["ETag"]), age(written, called.date))

    def put(self, key: str, text: str, *, etag: str = "") -> str:
        """Write over the version `etag`, or a new object. Returns the new ETag; empty if another writer was first.

        The lock is written while nothing else may be, so this is no counted change: its caller counts.
        """
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        body: dict[str, object] = {"Bucket": self.name, "Key": self.prefix + key, "Body": text, **condition}
        try:
            return str(self.client.call("s3", "put_object", body).answer["ETag"])
        except AwsError as error:
            if error.code in (*CONFLICT, *(MISSING if etag else ())):
                return ""
            raise

    def keys(self, below: str) -> list[str]:
        """Return the keys of objects, without the prefix."""
        found: list[str] = []
        token: dict[str, object] = {}
        while True:
            answer = self.client.read("s3", "list_objects_v2", Bucket=self.name, Prefix=self.prefix + below, **token)
            found += [str(item["Key"]).removeprefix(self.prefix) for item in answer.get("Contents", ())]
            if not answer.get("IsTruncated"):
                return found
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        self.client.change("s3", "delete_object", Bucket=self.name, Key=self.prefix + key)


def age(written: str, now: str) -> float:
    """Return the seconds between LastModified (ISO 8601) and the Date of the same response. Pure."""
    return (parsedate_to_datetime(now) - datetime.fromisoformat(written)).total_seconds()
