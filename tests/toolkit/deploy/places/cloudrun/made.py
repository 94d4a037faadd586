"""A release on Cloud Run for the tables."""

from typing import Any

from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment
from toolkit.deploy.places.cloudrun import render
from toolkit.deploy.records import Kept
from toolkit.deploy.spec import ReleaseSpec

DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
VERSIONS = {"DATABASE_URL": "3"}


def environment(**keys: Any) -> CloudRunEnvironment:
    given = {
        "name": "staging",
        "project": "shop-project",
        "region": "europe-west1",
        "service": "shop",
        "repository": "europe-west1-docker.pkg.dev/shop-project/images/shop",
        "secret": {"store": "google", "keys": {"DATABASE_URL": "database"}},
        "settings": {"LOG_LEVEL": "INFO"},
        **keys,
    }
    return CloudRunEnvironment.model_validate(given)


def spec(env: CloudRunEnvironment, digest: str = DIGEST) -> ReleaseSpec:
    return ReleaseSpec("shop", env, digest)


def web(digest: str = DIGEST, **keys: Any) -> Kept:
    env = environment(**keys)
    return render.web(spec(env, digest), env, VERSIONS)
