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


def _keys(names: str, **inside: Shape) -> dict[str, Shape]:
    return {**dict.fromkeys(names.split(), ANY), **inside}


_HTTP = _keys("host path port scheme", httpHeaders=[_keys("name value")])
_PROBE = _keys(
    "type failureThreshold initialDelaySeconds periodSeconds successThreshold terminationGracePeriodSeconds "
    "timeoutSeconds",
    httpGet=_HTTP,
    tcpSocket=_keys("host port"),
)
_CONTAINER = _keys(
    "image name command args",
    env=[_keys("name value secretRef")],
    resources=_keys("cpu memory"),
    probes=[_PROBE],
    volumeMounts=[_keys("volumeName mountPath subPath")],
)
_AUTH: list[Shape] = [_keys("secretRef triggerParameter")]
_RULE = _keys(
    "name",
    http=_keys("metadata identity", auth=_AUTH),
    tcp=_keys("metadata identity", auth=_AUTH),
    custom=_keys("type metadata identity", auth=_AUTH),
    azureQueue=_keys("accountName queueName queueLength identity", auth=_AUTH),
)
_VOLUME = _keys("name storageType storageName mountOptions", secrets=[_keys("secretRef path")])
TEMPLATE: dict[str, Shape] = _keys(
    "revisionSuffix terminationGracePeriodSeconds",
    containers=[_CONTAINER],
    initContainers=[_CONTAINER],
    scale=_keys("minReplicas maxReplicas cooldownPeriod pollingInterval", rules=[_RULE]),
    volumes=[_VOLUME],
    serviceBinds=[_keys("serviceId name")],
)
_SECRETS: list[Shape] = [_keys("name value identity keyVaultUrl")]
_REGISTRIES: list[Shape] = [_keys("server username passwordSecretRef identity")]
_INGRESS = _keys(
    "external targetPort exposedPort transport allowInsecure clientCertificateMode corsPolicy additionalPortMappings",
    traffic=[_keys("revisionName weight latestRevision label")],
    customDomains=[_keys("name bindingType certificateId")],
    ipSecurityRestrictions=[_keys("name description ipAddressRange action")],
    stickySessions=_keys("affinity"),
)
_IDENTITY = _keys("type userAssignedIdentities")
APP: dict[str, Shape] = _keys(
    "location tags",
    identity=_IDENTITY,
    properties=_keys(
        "environmentId workloadProfileName",
        configuration=_keys(
            "activeRevisionsMode maxInactiveRevisions",
            secrets=_SECRETS,
            registries=_REGISTRIES,
            ingress=_INGRESS,
        ),
        template=TEMPLATE,
    ),
)
JOB: dict[str, Shape] = _keys(
    "location tags",
    identity=_IDENTITY,
    properties=_keys(
        "environmentId workloadProfileName",
        configuration=_keys(
            "triggerType replicaTimeout replicaRetryLimit",
            manualTriggerConfig=_keys("parallelism replicaCompletionCount"),
            scheduleTriggerConfig=_keys("cronExpression parallelism replicaCompletionCount"),
            secrets=_SECRETS,
            registries=_REGISTRIES,
        ),
        template=_keys("", containers=[_CONTAINER], initContainers=[_CONTAINER], volumes=[_VOLUME]),
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
