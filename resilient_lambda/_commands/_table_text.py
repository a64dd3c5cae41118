"""The table as text: a CloudFormation template and an IAM policy."""

from __future__ import annotations

import json

# What `DynamoDBStore` needs, and no more; a test compares this with what it sends. IAM knows no action for
# BatchExecuteStatement and TransactWriteItems, but one for each kind of write within.
ACTIONS = (
    "BatchGetItem",
    "ConditionCheckItem",
    "DeleteItem",
    "GetItem",
    "PartiQLInsert",
    "PartiQLUpdate",
    "PutItem",
    "UpdateItem",
)


def cloudformation(
    *,
    table: str | None,
    key_attribute: str,
    sort_key_attribute: str | None,
    ttl_attribute: str,
    recovers_points_in_time: bool,
) -> str:
    """Return a template of the table in YAML; without *table*, CloudFormation chooses the name."""
    recovery = "true" if recovers_points_in_time else "false"
    keys = [(key_attribute, "HASH"), *([(sort_key_attribute, "RANGE")] if sort_key_attribute else [])]
    lines = [
        'AWSTemplateFormatVersion: "2010-09-09"',
        "Description: Claims, circuits and counters of resilient_lambda",
        "Resources:",
        "  ResilienceTable:",
        "    Type: AWS::DynamoDB::Table",
        "    # Claims must outlive a replaced stack: without them, redelivered events would take effect again.",
        "    DeletionPolicy: Retain",
        "    UpdateReplacePolicy: Retain",
        "    Properties:",
        *([f"      TableName: {_quoted(table)}"] if table else []),
        "      BillingMode: PAY_PER_REQUEST",
        "      AttributeDefinitions:",
        *(f"        - {{AttributeName: {_quoted(name)}, AttributeType: S}}" for name, _ in keys),
        "      KeySchema:",
        *(f"        - {{AttributeName: {_quoted(name)}, KeyType: {kind}}}" for name, kind in keys),
        f"      TimeToLiveSpecification: {{AttributeName: {_quoted(ttl_attribute)}, Enabled: true}}",
        "      SSESpecification: {SSEEnabled: true}",
        f"      PointInTimeRecoverySpecification: {{PointInTimeRecoveryEnabled: {recovery}}}",
        "Outputs:",
        "  TableName:",
        "    Description: Set it as RESILIENT_LAMBDA_TABLE",
        "    Value: !Ref ResilienceTable",
        "  TableArn:",
        "    Value: !GetAtt ResilienceTable.Arn",
    ]
    return "\n".join(lines)


def policy(*, table: str, region: str | None, account: str | None) -> str:
    """Return the policy in JSON that a function needs to use *table*; what is not known of its ARN is any."""
    resource = table if table.startswith("arn:") else f"arn:aws:dynamodb:{region or '*'}:{account or '*'}:table/{table}"
    statement = {
        "Sid": "ResilientLambdaStore",
        "Effect": "Allow",
        "Action": [f"dynamodb:{action}" for action in ACTIONS],
        "Resource": resource,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)


def _quoted(text: str) -> str:
    # JSON's strings are YAML's, whatever the name holds.
    return json.dumps(text)
