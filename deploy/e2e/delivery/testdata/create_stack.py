"""Creates the template given on the command line on moto and scales it.

moto makes no schedules, scaling policies or alarms and drops deployment
settings; ecs_test.go asserts those. What it does make must fit together:
references, parameters, task definitions, roles and their policies.
"""
import json
import sys

import boto3
from moto import mock_aws

HEX = "0" * 64
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/gantry-%s@sha256:" + HEX


def parameters(**changed):
    values = {
        "CollectorName": "collector.example.com",
        "CollectorImage": IMAGE % "collector",
        "AgentImage": IMAGE % "agent",
        "DbtImage": IMAGE % "dbt",
        "KafkaBrokers": "b-1.example.com:9096,b-2.example.com:9096",
        "KafkaSecretArn": SECRET + "AmazonMSK_gantry-abcdef",
        "ClickHouseHost": "example.clickhouse.cloud",
        "ClickHouseSecretArn": SECRET + "clickhouse-abcdef",
        "GantrySecretArn": SECRET + "gantry-abcdef",
        **changed,
    }
    return [{"ParameterKey": k, "ParameterValue": str(v)} for k, v in values.items()]


def service(ecs, cluster, marker):
    arns = ecs.list_services(cluster=cluster)["serviceArns"]
    return next(s for s in ecs.describe_services(cluster=cluster, services=arns)["services"] if marker in s["serviceName"])


def container(ecs, family, name):
    definition = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
    return next(c for c in definition["containerDefinitions"] if c["name"] == name)


@mock_aws
def main(path):
    with open(path, encoding="utf-8") as f:
        # moto makes every load balancer one for HTTP.
        body = f.read().replace("Protocol: TCP", "Protocol: HTTP")
    session = boto3.Session("test", "test", region_name="us-east-1")
    ec2, cf, ecs, iam = (session.client(s) for s in ("ec2", "cloudformation", "ecs", "iam"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=z)["Subnet"]["SubnetId"]
               for i, z in enumerate(("us-east-1a", "us-east-1b"))]
    where = {"VpcId": vpc, "SubnetIds": ",".join(subnets)}
    create = {"StackName": "gantry", "TemplateBody": body, "Capabilities": ["CAPABILITY_IAM"]}

    cf.create_stack(**create, Parameters=parameters(**where))
    stack = cf.describe_stacks(StackName="gantry")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["StackStatus"]
    cluster = next(o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == "ClusterName")

    agents = service(ecs, cluster, "AgentService")
    assert agents["desiredCount"] == 4, agents["desiredCount"]
    collectors = service(ecs, cluster, "CollectorService")
    assert collectors["desiredCount"] == 2, collectors["desiredCount"]
    collector = container(ecs, "gantry-collector", "collector")
    plain = {e["name"]: e["value"] for e in collector["environment"]}
    secret = {e["name"]: e["valueFrom"] for e in collector["secrets"]}
    assert plain["GANTRY_CLICKHOUSE_ADDR"] == "example.clickhouse.cloud:9440", plain
    assert plain["GANTRY_KAFKA_SASL_MECHANISM"] == "scram-sha-512", plain
    assert plain["GOMEMLIMIT"] == "1400MiB", plain
    assert secret["GANTRY_PLATE_KEY"] == SECRET + "gantry-abcdef:plate_key::", secret

    for wanted in (50, 5):
        cf.update_stack(**create, Parameters=parameters(**where, AgentCount=wanted))
        assert service(ecs, cluster, "AgentService")["desiredCount"] == wanted, wanted

    # On another Kafka, and with no agent. A stack of its own: moto empties
    # task definitions that it updates.
    cf.create_stack(**{**create, "StackName": "by-iam"}, Parameters=parameters(
        **where, AgentCount=0, KafkaKind="msk-iam", CollectorSize="large",
        KafkaClusterArn="arn:aws:kafka:us-east-1:123456789012:cluster/traffic/0f-1"))
    collector = container(ecs, "by-iam-collector", "collector")
    assert "GANTRY_KAFKA_SASL_PASSWORD" not in {e["name"] for e in collector["secrets"] if e}, collector["secrets"]
    assert {"name": "GOMEMLIMIT", "value": "6800MiB"} in collector["environment"], collector["environment"]
    role = next(r["RoleName"] for r in iam.list_roles()["Roles"] if r["RoleName"].startswith("by-iam-CollectorTaskRole"))
    granted = json.dumps(iam.get_role_policy(RoleName=role, PolicyName="kafka")["PolicyDocument"])
    assert "topic/traffic/0f-1/traffic.gantry.*" in granted, granted

    for c in ("collector", "gantry-agent", "dbt"):
        assert ecs.list_task_definitions(familyPrefix="gantry-" + c)["taskDefinitionArns"], c


if __name__ == "__main__":
    main(sys.argv[1])
