"""Keys of the resources that a release writes to Azure, as Microsoft.App 2025-07-01 defines them.

Azure Resource Manager silently ignores an unknown key: a misspelt one would be a setting that never applies.
Read-only keys are left out. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from toolkit.deploy.outcomes import nearest

# A mapping lists the keys of an object, a list holds the shape of its items; ANY has free names or is a plain value.
ANY = None
Shape = Mapping[str, "Shape"] | list["Shape"] | None


def keys(names: str, **inside: Shape) -> dict[str, Shape]:
    return {**dict.fromkeys(names.split(), ANY), **inside}


_HTTP = keys("host path port scheme", httpHeaders=[keys("name value")])
_PROBE = keys(
    "type failureThreshold initialDelaySeconds periodSeconds successThreshold terminationGracePeriodSeconds "
    "timeoutSeconds",
    httpGet=_HTTP,
    tcpSocket=keys("host port"),
)
_CONTAINER = keys(
    "image name command args",
    env=[keys("name value secretRef")],
    resources=keys("cpu memory"),
    probes=[_PROBE],
    volumeMounts=[keys("volumeName mountPath subPath")],
)
_AUTH: list[Shape] = [keys("secretRef triggerParameter")]
_RULE = keys(
    "name",
    http=keys("metadata identity", auth=_AUTH),
    tcp=keys("metadata identity", auth=_AUTH),
    custom=keys("type metadata identity", auth=_AUTH),
    azureQueue=keys("accountName queueName queueLength identity", auth=_AUTH),
)
_VOLUME = keys("name storageType storageName mountOptions", secrets=[keys("secretRef path")])
TEMPLATE: dict[str, Shape] = keys(
    "revisionSuffix terminationGracePeriodSeconds",
    containers=[_CONTAINER],
    initContainers=[_CONTAINER],
    scale=keys("minReplicas maxReplicas cooldownPeriod pollingInterval", rules=[_RULE]),
    volumes=[_VOLUME],
    serviceBinds=[keys("serviceId name")],
)
_SECRETS: list[Shape] = [keys("name value identity keyVaultUrl")]
_REGISTRIES: list[Shape] = [keys("server username passwordSecretRef identity")]
_INGRESS = keys(
    "external targetPort exposedPort transport allowInsecure clientCertificateMode corsPolicy additionalPortMappings",
    traffic=[keys("revisionName weight latestRevision label")],
    customDomains=[keys("name bindingType certificateId")],
    ipSecurityRestrictions=[keys("name description ipAddressRange action")],
    stickySessions=keys("affinity"),
)
_IDENTITY = keys("type userAssignedIdentities")
APP: dict[str, Shape] = keys(
    "location tags",
    identity=_IDENTITY,
    properties=keys(
        "environmentId workloadProfileName",
        configuration=keys(
            "activeRevisionsMode maxInactiveRevisions",
            secrets=_SECRETS,
            registries=_REGISTRIES,
            ingress=_INGRESS,
        ),
        template=TEMPLATE,
    ),
)
JOB: dict[str, Shape] = keys(
    "location tags",
    identity=_IDENTITY,
    properties=keys(
        "environmentId workloadProfileName",
        configuration=keys(
            "triggerType replicaTimeout replicaRetryLimit",
            manualTriggerConfig=keys("parallelism replicaCompletionCount"),
            scheduleTriggerConfig=keys("cronExpression parallelism replicaCompletionCount"),
            secrets=_SECRETS,
            registries=_REGISTRIES,
        ),
        template=keys("", containers=[_CONTAINER], initContainers=[_CONTAINER], volumes=[_VOLUME]),
    ),
)


def unknown(content: object, shape: Shape, path: str = "") -> Iterator[str]:
    """Yield a line for each key that the API does not know, with the nearest one that it does."""
    if content is None:
        return  # the way to remove a key
    if isinstance(shape, Mapping):
        if not isinstance(content, Mapping):
            yield f"{path or 'the value'}: expected an object"
            return
        for key, value in content.items():
            where = f"{path}.{key}" if path else str(key)
            if key in shape:
                yield from unknown(value, shape[key], where)
            else:
                close = nearest(str(key), list(shape))
                yield f"{where}: unknown key" + (f"; did you mean {close}?" if close else "")
    elif isinstance(shape, list):
        if not isinstance(content, list | tuple):
            yield f"{path}: expected a list"
            return
        for number, item in enumerate(content):
            yield from unknown(item, shape[0], f"{path}[{number}]")
