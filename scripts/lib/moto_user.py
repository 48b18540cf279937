"""Creates a moto user with the permission to publish, and prints its access key and secret, separated by a colon."""

import json
import sys

import boto3

iam = boto3.client(
    "iam", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
)
iam.create_user(UserName="sender")
key = iam.create_access_key(UserName="sender")["AccessKey"]
policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}],
}
iam.put_user_policy(UserName="sender", PolicyName="send", PolicyDocument=json.dumps(policy))
print(f"{key['AccessKeyId']}:{key['SecretAccessKey']}")
