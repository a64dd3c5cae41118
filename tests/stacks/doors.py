"""The ways in which requests come to a function: two kinds of API, a function URL, a load balancer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engines.ministack import Ministack


class Door(NamedTuple):
    """
    One way in.

    Attributes:
        open: Puts it before a function, by the emulator, a name and the function's ARN; returns the URL.
        handler: Which of ``functions/api.py`` is behind it.
        service: What requests are signed for; "" if nobody looks.
    """

    open: Callable[[Ministack, str, str], str]
    handler: str
    service: str


def _http_api(ministack: Ministack, name: str, arn: str) -> str:
    gateway = ministack.client("apigatewayv2")
    api = gateway.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
    integration = gateway.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    gateway.create_route(
        ApiId=api,
        RouteKey="POST /orders/{id}/pay",
        Target=f"integrations/{integration}",
        AuthorizationType="AWS_IAM",
    )
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return f"{ministack.endpoint_url}/_aws/execute-api/{api}/$default"


def _rest_api(ministack: Ministack, name: str, arn: str) -> str:
    gateway = ministack.client("apigateway")
    api = gateway.create_rest_api(name=name)["id"]
    (root,) = gateway.get_resources(restApiId=api)["items"]
    parent = root["id"]
    for part in ("orders", "{id}", "pay"):
        parent = gateway.create_resource(restApiId=api, parentId=parent, pathPart=part)["id"]
    method: dict[str, Any] = {"restApiId": api, "resourceId": parent, "httpMethod": "POST"}
    gateway.put_method(**method, authorizationType="AWS_IAM")
    gateway.put_integration(
        **method,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
    )
    gateway.create_deployment(restApiId=api, stageName="prod")
    return f"{ministack.endpoint_url}/restapis/{api}/prod/_user_request_"


def _function_url(ministack: Ministack, name: str, arn: str) -> str:
    # With IAM the emulator's event would name no caller.
    made = ministack.client("lambda").create_function_url_config(FunctionName=name, AuthType="NONE")
    host = made["FunctionUrl"].partition("//")[2]
    return f"{ministack.endpoint_url}/_aws/lambda-url/{host.partition('.')[0]}"


def _load_balancer(ministack: Ministack, name: str, arn: str) -> str:
    balancing = ministack.client("elbv2")
    balancer = balancing.create_load_balancer(Name=name, Subnets=["subnet-1", "subnet-2"])["LoadBalancers"][0]
    target = balancing.create_target_group(Name=name, TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    balancing.register_targets(TargetGroupArn=target, Targets=[{"Id": arn}])
    balancing.modify_target_group_attributes(
        TargetGroupArn=target, Attributes=[{"Key": "lambda.multi_value_headers.enabled", "Value": "true"}]
    )
    # The emulator looks for a listener on the port of its own.
    balancing.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=int(ministack.endpoint_url.rpartition(":")[2]),
        DefaultActions=[{"Type": "forward", "TargetGroupArn": target}],
    )
    return f"{ministack.endpoint_url}/_alb/{name}"


DOORS = {
    "http": Door(_http_api, "api.pay", "execute-api"),
    "rest": Door(_rest_api, "api.pay", "execute-api"),
    "url": Door(_function_url, "api.pay_of_user", ""),
    "alb": Door(_load_balancer, "api.pay_of_user", ""),
}
