"""A stage on ECS: a service of its own in the emulator, as Terraform would leave it, with a PostgreSQL beside."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support import provider
from tests.support.load import Load
from tests.support.processes import under_way
from tests.support.provider import Provider
from tests.support.stage import POSTGRES, Ended, Images, run, until
from toolkit.dev import bootstrap

UV = bootstrap.find_uv(Path.cwd()) or ""
ACCOUNT = "000000000000"
PASSWORD = "s3cret-of-the-stage"
QUICK = ("drain_seconds=2", "graceful_seconds=3", "hold_seconds=2", "lease_seconds=12")
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
        ],
    }
)


class Aws:
    """Calls the emulator directly, by the deploy's own client script."""

    def __init__(self, script: Path, variables: Mapping[str, str], region: str) -> None:
        self.child = subprocess.Popen(
            [UV, "run", "--quiet", "--script", str(script), region],
            env=dict(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, service: str, operation: str, /, **parameters: object) -> Any:
        assert self.child.stdin
        assert self.child.stdout
        asked = {"service": service, "operation": operation, "parameters": parameters}
        self.child.stdin.write(json.dumps(asked) + "\n")
        self.child.stdin.flush()
        said = json.loads(self.child.stdout.readline())
        assert "error" not in said, (asked, said)
        return said["answer"]

    def close(self) -> None:
        end(self.child)


def end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


@dataclass
class Front:
    """The proxy in front of the emulator, and the load balancer."""

    child: subprocess.Popen[str]
    endpoint: str
    address: str

    def control(self, **faults: object) -> Any:
        request = urllib.request.Request(f"{self.endpoint}/_control", json.dumps(faults).encode())  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def calls(self, operation: str) -> int:
        return int(self.control()["calls"].get(operation, 0))


@contextmanager
def front(variables: Mapping[str, str]) -> Iterator[Front]:
    script = Path(__file__).parent / "ecs_front" / "front.py"
    command = [UV, "run", "--quiet", "--script", str(script), os.environ["TEST_AWS_ENDPOINT"]]
    child = subprocess.Popen(
        [*command, os.environ["TEST_AWS_REGION"]],
        env={**variables, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout
        api, balancer = child.stdout.readline().split()
        yield Front(child, f"http://127.0.0.1:{api}", f"http://127.0.0.1:{balancer}")
    finally:
        end(child)


@dataclass
class EcsStage:
    """One service. `deploy(...)` runs `python3 tasks.py deploy staging --yes` in the service's folder."""

    name: str
    project: Path
    images: Images
    environment: dict[str, str]
    front: Front | None = None
    aws: Aws | None = None
    group: str = ""
    database: str = ""
    settings: tuple[str, ...] = QUICK
    more: tuple[str, ...] = ()

    @property
    def script(self) -> Path:
        return self.project / "toolkit" / "deploy" / "places" / "ecs" / "clients" / "aws.py"

    @property
    def region(self) -> str:
        return os.environ["TEST_AWS_REGION"]

    @property
    def emulator(self) -> dict[str, str]:
        """Variables of a client of the emulator itself."""
        return {
            **self.environment,
            "AWS_ENDPOINT_URL": os.environ["TEST_AWS_ENDPOINT"],
            "AWS_ACCESS_KEY_ID": os.environ["TEST_AWS_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": os.environ["TEST_AWS_SECRET_ACCESS_KEY"],
        }

    @property
    def variables(self) -> dict[str, str]:
        assert self.front
        return {**self.emulator, "AWS_ENDPOINT_URL": self.front.endpoint}

    @contextmanager
    def fresh(self) -> Iterator["EcsStage"]:
        """This stage with a service of its own, and a database; gone afterwards."""
        name = f"test-{uuid.uuid4().hex[:8]}"
        with front(self.emulator) as made_front:
            aws = Aws(self.script, self.emulator, self.region)
            made = replace(self, name=name, front=made_front, aws=aws)
            try:
                run("docker", "run", "-d", "--name", f"{name}-postgres", "-e", f"POSTGRES_PASSWORD={PASSWORD}", "-e",
                    "POSTGRES_DB=shop", POSTGRES)  # fmt: skip
                template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
                address = run("docker", "inspect", "-f", template, f"{name}-postgres").strip()
                made = replace(made, database=f"postgresql://postgres:{PASSWORD}@{address}:5432/shop")
                made = replace(made, group=made.prepare())
                until(lambda: made.accepts_connections(), 120, "PostgreSQL")
                yield made
            finally:
                made.clear()
                aws.close()
                run("docker", "rm", "-fv", f"{name}-postgres")

    def prepare(self) -> str:
        """Create what Terraform owns: network, cluster, roles, log group, bucket, secret, target group, service."""
        assert self.aws
        aws, name = self.aws, self.name
        network = aws("ec2", "create_vpc", CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
        subnet = aws("ec2", "create_subnet", VpcId=network, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
        gateway = aws("ec2", "create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
        aws("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=network)
        table = aws("ec2", "create_route_table", VpcId=network)["RouteTable"]["RouteTableId"]
        aws("ec2", "create_route", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        aws("ec2", "associate_route_table", RouteTableId=table, SubnetId=subnet)
        aws("ecs", "create_cluster", clusterName=name)
        for role in ("execution", "task", "scheduler"):
            aws("iam", "create_role", RoleName=f"{name}-{role}", AssumeRolePolicyDocument=TRUST)
        aws("logs", "create_log_group", logGroupName=f"/ecs/{name}")
        where = {"LocationConstraint": self.region}
        aws("s3", "create_bucket", Bucket=f"{name}-releases", CreateBucketConfiguration=where)
        aws("secretsmanager", "create_secret", Name=f"{name}/database", SecretString=json.dumps({"url": self.database}))
        group = aws("elbv2", "create_target_group", Name=name, Protocol="HTTP", Port=8000, VpcId=network,
                    TargetType="ip", HealthCheckPath="/ready")["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
        placeholder = {"name": "app", "image": "placeholder:latest", "essential": True}
        aws("ecs", "register_task_definition", family=name, networkMode="awsvpc", cpu="256", memory="512",
            requiresCompatibilities=["FARGATE"], containerDefinitions=[placeholder])  # fmt: skip
        awsvpc = {"subnets": [subnet], "securityGroups": [], "assignPublicIp": "ENABLED"}
        aws(
            "ecs",
            "create_service",
            cluster=name,
            serviceName=name,
            taskDefinition=name,
            desiredCount=0,
            launchType="FARGATE",
            loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8000}],
            networkConfiguration={"awsvpcConfiguration": awsvpc},
            healthCheckGracePeriodSeconds=20,
        )
        return str(group)

    def clear(self) -> None:
        assert self.aws
        with suppress(AssertionError):
            for service in self.aws("ecs", "list_services", cluster=self.name)["serviceArns"]:
                self.aws("ecs", "delete_service", cluster=self.name, service=service, force=True)
        with suppress(AssertionError):
            for task in self.aws("ecs", "list_tasks", cluster=self.name)["taskArns"]:
                self.aws("ecs", "stop_task", cluster=self.name, task=task)

    def accepts_connections(self) -> bool:
        with suppress(AssertionError):
            return self.sql("select 1") == "1"
        return False

    @cached_property
    def token(self) -> str:
        return Provider(Path(self.images.keys)).token()

    @property
    def url(self) -> str:
        assert self.front
        return self.front.address

    def load(self, rate: float = 60, threads: int = 4) -> Load:
        return Load(self.url, rate, threads, token=self.token)

    @property
    def keys(self) -> Sequence[str]:
        key = json.dumps(Provider(Path(self.images.keys)).public_key)
        return (
            "place=ecs",
            f'account="{ACCOUNT}"' if not any(item.startswith("account=") for item in self.more) else "confirm=false",
            f"region={self.region}",
            f"cluster={self.name}",
            f"service={self.name}",
            f"family={self.name}",
            f"log_group=/ecs/{self.name}",
            f"bucket={self.name}-releases",
            f"execution_role=arn:aws:iam::{ACCOUNT}:role/{self.name}-execution",
            f"task_role=arn:aws:iam::{ACCOUNT}:role/{self.name}-task",
            f"scheduler_role=arn:aws:iam::{ACCOUNT}:role/{self.name}-scheduler",
            "secret.store=aws",
            f"secret.keys.DATABASE_URL={self.name}/database#url",
            f"url={self.url}",
            f"repository={self.images.repository}",
            "replicas=1",
            f"settings.JWT_KEY={key}",
            f"settings.JWT_ISSUER={provider.ISSUER}",
            f"settings.JWT_AUDIENCE={provider.AUDIENCE}",
            *self.settings,
            *self.more,
        )

    def command(self, task: str, *arguments: str, image: str | None = None) -> list[str]:
        given = (*self.keys, *((f"image={self.images.digests.get(image, image)}",) if image else ()))
        python = str(self.project / ".venv" / "bin" / "python")
        pairs = [part for pair in given for part in ("-e", pair)]
        named = ["--env", "staging"] if task == "logs" else ["staging"]
        return [python, "tasks.py", task, *named, *pairs, *arguments]

    def task(
        self, task: str, *arguments: str, image: str | None = None, seconds: float = 900, stdin: str = "", **env: str
    ) -> Ended:
        began = time.monotonic()
        done = subprocess.run(
            self.command(task, *arguments, image=image),
            input=stdin,
            cwd=self.project,
            env={**self.variables, **env},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Ended(done.returncode, done.stdout + done.stderr, time.monotonic() - began)

    def deploy(self, image: str = "v1", *arguments: str, **env: str) -> Ended:
        return self.task("deploy", "--yes", *arguments, image=image, seconds=900, **env)

    @contextmanager
    def deploying(self, image: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A deploy that is under way; killed at the end if it still runs."""
        command = self.command("deploy", "--yes", *arguments, image=image)
        with under_way(command, self.project, self.variables) as child:
            yield child

    def served(self) -> str:
        """Digest of the version that answers; empty without an answer."""
        with suppress(OSError, ValueError), urllib.request.urlopen(f"{self.url}/health", timeout=60) as answer:  # noqa: S310
            return str(json.load(answer).get("image_digest", ""))
        return ""

    def name_of(self, process: str) -> str:
        return f"{self.name}-{process}" if process else self.name

    def service(self, process: str = "") -> Any:
        assert self.aws
        names = [self.name_of(process)]
        return self.aws("ecs", "describe_services", cluster=self.name, services=names)["services"][0]

    def tasks(self, process: str) -> set[str]:
        """Tasks that run of the service, or of a worker."""
        assert self.aws
        return set(self.aws("ecs", "list_tasks", cluster=self.name, serviceName=self.name_of(process))["taskArns"])

    def definition(self, revision: str) -> Any:
        assert self.aws
        return self.aws("ecs", "describe_task_definition", taskDefinition=revision)["taskDefinition"]

    def front_aws(self, service: str, operation: str, /, **parameters: object) -> Any:
        """Call by the proxy, as AWS would answer."""
        client = Aws(self.script, self.variables, self.region)
        try:
            return client(service, operation, **parameters)
        finally:
            client.close()

    def revisions(self) -> list[str]:
        assert self.aws
        return list(self.aws("ecs", "list_task_definitions", familyPrefix=self.name)["taskDefinitionArns"])

    def writes(self) -> Mapping[str, int]:
        """Number of calls that change something, by operation."""
        assert self.front
        counted = self.front.control()["calls"]
        writing = ("RegisterTaskDefinition", "UpdateService", "CreateService", "DeleteService", "RunTask", "StopTask",
                   "s3:PUT", "s3:POST", "s3:DELETE")  # fmt: skip
        return {name: counted.get(name, 0) for name in writing}

    def sql(self, statement: str) -> str:
        return run("docker", "exec", "-e", f"PGPASSWORD={PASSWORD}", f"{self.name}-postgres", "psql", "-h", "127.0.0.1",
                   "-U", "postgres", "-d", "shop", "-Atc", statement).strip()  # fmt: skip

    def history(self) -> list[dict[str, Any]]:
        ended = self.task("history", "--json")
        assert ended.code == 0, ended
        return [json.loads(line) for line in ended.out.splitlines()]

    def copy(self, folder: Path) -> "EcsStage":
        """This stage with a checkout that may be changed."""
        project = folder / "shop"
        shutil.copytree(self.project, project, symlinks=True)
        return replace(self, project=project)


def unavailable() -> str:
    """Return why the emulator cannot be used; empty if it answers."""
    if not os.environ.get("TEST_AWS_ENDPOINT"):
        return "no emulator of AWS (TEST_AWS_ENDPOINT)"
    if not UV:
        return "no uv, which runs the client of AWS"
    parts = urlsplit(os.environ["TEST_AWS_ENDPOINT"])
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=60).close()
    except OSError:
        return "the emulator of AWS does not answer (TEST_AWS_ENDPOINT)"
    return ""
