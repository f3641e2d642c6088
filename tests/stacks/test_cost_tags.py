"""Cost tags: on every resource that takes tags, in every environment."""

from __future__ import annotations

from typing import Any

from tests.stacks.conftest import MODEL, Synthesized, environments, synthesize
from tidegate.settings import TAG_COMPONENT, TAG_COST_CENTER, TAG_ENV, TAG_MODEL, TAG_OWNER

REQUIRED = {TAG_ENV, TAG_MODEL, TAG_OWNER, TAG_COST_CENTER, TAG_COMPONENT}
# CloudFormation gives these no tags; what costs money among them is tagged by what it belongs to.
UNTAGGABLE = {
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::CDK::Metadata",
    "AWS::IAM::Policy",
    "AWS::KMS::Alias",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::SubscriptionFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
}


def tags_of(resource: dict[str, Any]) -> dict[str, str]:
    tags = resource["Properties"].get("Tags", {})
    return tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}


def test_every_taggable_resource_has_every_cost_tag(cloud: Synthesized) -> None:
    untagged = [
        place
        for place, resource in cloud.all()
        if resource["Type"] not in UNTAGGABLE and not set(tags_of(resource)) >= REQUIRED
    ]

    assert untagged == []


def test_what_is_called_untaggable_has_no_tags(cloud: Synthesized) -> None:
    tagged = {r["Type"] for _, r in cloud.all() if r["Type"] in UNTAGGABLE and tags_of(r)}

    assert tagged == set()


def test_a_model_is_paid_by_its_owner_and_the_platform_by_the_environments(
    cloud: Synthesized,
) -> None:
    (function,) = cloud.resources("prod", f"model-{MODEL}", "AWS::Lambda::Function").values()
    (bucket,) = cloud.resources("prod", "platform", "AWS::S3::Bucket").values()

    assert tags_of(function) == {
        TAG_ENV: "prod",
        TAG_MODEL: MODEL,
        TAG_OWNER: "harbour-team",
        TAG_COST_CENTER: "cc-42",
        TAG_COMPONENT: "serving",
    }
    assert tags_of(bucket) == {
        TAG_ENV: "prod",
        TAG_MODEL: "shared",
        TAG_OWNER: "platform-team",
        TAG_COST_CENTER: "ml-production",
        TAG_COMPONENT: "platform",
    }


def test_tags_of_the_environment_are_added(models: Any) -> None:
    found = environments()
    found["dev"]["tags"] = {"team": "harbour"}
    cloud = synthesize(models, env="dev", environments=found)

    untagged = [
        place
        for place, resource in cloud.all()
        if resource["Type"] not in UNTAGGABLE and tags_of(resource).get("team") != "harbour"
    ]
    assert untagged == []
