"""The report on the protection of an account, by what the local cloud has."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import ApiError, AuthenticationError, InvalidRequestError
from airflow_provider_backup.cloud.operations.protection import Finding
from airflow_provider_backup.cloud.services.cbr import models as cbr
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import InvalidArgumentError, ProtectionFindingsError
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.operators.protection_report import MOST_LOGGED, ProtectionReportOperator, markdown_table
from tests.airflow.recording_proxy import Wire
from tests.airflow.replicable import Replicable
from tests.airflow.service_matrix import CASES, DATABASES, SERVICES, cbr_vault, csbs_policy, resources, taken
from tests.airflow.stored_backups import make_older
from tests.airflow.task_runs import TaskRun

HOURS_26 = timedelta(hours=26)
COPIES = {
    "max_backups": 7,
    "destination_region": "eu-nl",
    "destination_project_id": "f" * 32,
    "enable_acceleration": False,
}
"""What a replication policy keeps, and where."""


def report(**arguments: Any) -> list[Finding]:
    """Run the report and return its findings."""
    result: list[Finding] = TaskRun(ProtectionReportOperator(task_id="report", **arguments)).execute()
    return result


def found(findings: list[Finding]) -> list[tuple[str, str]]:
    """Return kind and id of each finding."""
    return [(each["kind"], each["id"]) for each in findings]


def nightly_policy(operation_type: str = "backup", *, enabled: bool = True) -> str:
    """Make a policy of CBR and return its id."""
    policy = cbr.PolicyCreate.model_validate(
        {
            "name": "nightly",
            "operation_type": operation_type,
            "enabled": enabled,
            "operation_definition": {"max_backups": 7} if operation_type == "backup" else COPIES,
            "trigger": {"properties": {"pattern": ["FREQ=DAILY;INTERVAL=1;BYHOUR=0;BYMINUTE=30"]}},
        }
    )
    return CbrHook().run(lambda service: service.policies.create(policy)).id


@pytest.mark.parametrize("service", SERVICES)
def test_a_resource_with_a_fresh_backup_is_no_finding(cloud: RunningCloud, service: str) -> None:
    (resource_id,) = taken(cloud, service, wait=True)["resource_ids"]

    findings = report(services=[service], resource_ids={service: [resource_id]}, max_age=HOURS_26)

    assert [each for each in findings if each["id"] == resource_id] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_resource_whose_last_good_backup_is_too_old_is_stale(cloud: RunningCloud, service: str) -> None:
    (resource_id,) = taken(cloud, service, wait=True)["resource_ids"]
    make_older(cloud, service, hours=30)

    findings = report(services=[service], resource_ids={service: [resource_id]}, max_age=HOURS_26)

    (finding,) = [each for each in findings if each["id"] == resource_id]
    assert (finding["kind"], finding["service"]) == ("stale", service)
    assert "last good 30 h ago" in finding["reason"]
    assert finding["at"] is not None


def test_given_resources_that_nothing_backs_up_are_unprotected(cloud: RunningCloud) -> None:
    cbr_vault(cloud)
    *_, server = resources(cloud, "servers")
    (volume, *_) = resources(cloud, "volumes")

    findings = report(
        services=["cbr", "csbs", "vbs"],
        resource_ids={"cbr": [server], "csbs": [server], "vbs": [volume]},
    )

    assert [(each["service"], each["kind"], each["id"]) for each in findings] == [
        ("cbr", "unprotected", server),
        ("csbs", "unprotected", server),
        ("vbs", "unprotected", volume),
    ]
    assert findings[0]["reason"] == "it is in no vault; no good backup"


def test_every_server_that_cbr_could_protect_and_is_in_no_vault_is_unprotected(cloud: RunningCloud) -> None:
    (covered,) = taken(cloud, "cbr", wait=True)["resource_ids"]
    others = [each for each in resources(cloud, "servers") if each != covered]
    assert others

    findings = report(services=["cbr"], protectables=["server"])

    assert found(findings) == [("unprotected", each) for each in others]
    assert {each["reason"] for each in findings} == {"it is in no vault; no good backup"}
    assert all(each["name"] for each in findings)


def test_a_server_that_no_vault_takes_is_unprotected_with_the_reason(cloud: RunningCloud) -> None:
    server = resources(cloud, "servers")[0]
    cloud.state.table("inventory.servers")[server]["status"] = "ERROR"

    (finding,) = [each for each in report(services=["cbr"], protectables=["server"]) if each["id"] == server]

    assert finding["kind"] == "unprotected"
    assert finding["reason"].startswith("it is in no vault, and none takes it: ")


def test_a_disk_of_a_server_is_judged_with_its_server(cloud: RunningCloud) -> None:
    volumes = cloud.state.table("inventory.volumes")
    attached = {each["id"] for each in volumes.values() if each["server_id"]}
    free = set(volumes) - attached
    assert attached
    assert free

    alone = {each["id"] for each in report(services=["cbr"], protectables=["disk"])}
    with_servers = {each["id"] for each in report(services=["cbr"], protectables=["disk", "server"])}

    assert alone == attached | free
    assert with_servers == free | set(resources(cloud, "servers"))


def test_file_systems_are_found_too_and_what_is_deleted_is_left_out(backup_cloud: RunningCloud, wire: Wire) -> None:
    systems = resources(backup_cloud, "file_systems")

    assert [each["id"] for each in report(services=["cbr"], protectables={"turbo"})] == systems
    with wire.replacing((b'"status": "active"', b'"status": "deleted"')):
        assert report(services=["cbr"], protectables={"turbo"}) == []


def test_given_resources_are_judged_beside_the_ones_that_are_found_and_each_once(cloud: RunningCloud) -> None:
    servers = resources(cloud, "servers")
    unknown = "0" * 8 + servers[0][8:]

    findings = report(services=["cbr"], resource_ids={"cbr": [unknown, servers[0].upper()]}, protectables=["server"])

    assert sorted(each["id"].lower() for each in findings) == sorted([*servers, unknown])


def test_without_services_what_cbr_could_protect_is_found_beside_the_other_services(cloud: RunningCloud) -> None:
    findings = report(protectables=["server"])

    unprotected = {each["id"] for each in findings if (each["service"], each["kind"]) == ("cbr", "unprotected")}
    assert unprotected == set(resources(cloud, "servers"))


def test_a_cloud_without_the_list_of_protectables_is_unreadable(cloud: RunningCloud) -> None:
    route = "/v3/{project_id}/protectables/{protectable_type}/instances"
    cloud.misbehave("refuse", service="cbr", route=route, status=404, code="APIGW.0101")

    findings = report(services=["cbr", "vbs"], protectables=["server"])

    assert ("unreadable", "cbr") in found(findings)


def test_without_ids_the_resources_of_vaults_and_policies_are_judged(cloud: RunningCloud) -> None:
    cbr_vault(cloud)
    csbs_policy(cloud)
    server = resources(cloud, "servers")[0]

    findings = report(services=["cbr", "csbs", "vbs"])

    stale = [(each["service"], each["id"], each["name"] is not None) for each in findings if each["kind"] == "stale"]
    assert stale == [("cbr", server, True), ("csbs", server, True)]


@pytest.mark.parametrize("service", DATABASES)
def test_without_ids_every_instance_but_read_replicas_is_judged(cloud: RunningCloud, service: str) -> None:
    make_older(cloud, service, hours=100)

    findings = report(services=[service], max_age=HOURS_26)

    hook: Any = CASES[service].hook()
    instances = hook.run_list(lambda databases: databases.instances.list())
    assert {each["id"] for each in findings if each["kind"] == "stale"} == {
        each.id for each in instances if each.type != "Replica"
    }


def test_an_instance_whose_automatic_policy_is_off_is_a_finding(cloud: RunningCloud) -> None:
    (instance, *_) = resources(cloud, "rds_instances")
    cloud.state.table("rds.policies")[instance]["keep_days"] = 0
    make_older(cloud, "rds", hours=100)

    findings = report(services=["rds"], resource_ids={"rds": [instance]})

    assert found(findings) == [("unprotected", instance), ("policy_off", instance)]
    assert findings[0]["reason"].startswith("its automatic policy is off; last good")


@pytest.mark.parametrize("service", DATABASES)
def test_an_instance_that_does_not_exist_is_unprotected_and_no_error(cloud: RunningCloud, service: str) -> None:
    (instance, *_) = resources(cloud, f"{service}_instances")
    unknown = f"{'0' * 32}{instance[32:]}"

    findings = report(services=[service], resource_ids={service: [unknown, instance]})

    assert ("unprotected", unknown) in found(findings)
    assert findings[0]["reason"] == "the project has no such instance; no good backup"


def test_a_policy_that_is_off_and_bound_to_nothing_is_two_findings(cloud: RunningCloud) -> None:
    policy_id = nightly_policy(enabled=False)

    assert found(report(services=["cbr"])) == [("policy_off", policy_id), ("policy_unbound", policy_id)]


def test_a_vault_that_is_fuller_than_its_limit_is_a_finding(cloud: RunningCloud) -> None:
    taken(cloud, "cbr", wait=True)
    (vault_id,) = cloud.state.table("cbr.vaults")

    assert ("vault_full", vault_id) not in found(report(services=["cbr"]))
    assert ("vault_full", vault_id) in found(report(services=["cbr"], max_used=0))


def test_a_resource_whose_vault_is_to_be_copied_needs_a_copied_backup(backup_cloud: RunningCloud, wire: Wire) -> None:
    (resource_id,) = taken(backup_cloud, "cbr", wait=True)["resource_ids"]
    (vault_id,) = backup_cloud.state.table("cbr.vaults")
    policy_id = nightly_policy("replication")
    CbrHook().run(lambda service: service.vaults.associate_policy(vault_id, policy_id, destination_vault_id="d" * 32))

    assert ("missing_copy", resource_id) in found(report(services=["cbr"]))
    with wire.replacing((b'"replication_records": []', b'"replication_records": [{"status": "fail"}]')):
        assert ("missing_copy", resource_id) in found(report(services=["cbr"]))
    with wire.replacing((b'"replication_records": []', b'"replication_records": [{"status": "success"}]')):
        assert found(report(services=["cbr"])) == []
        make_older(backup_cloud, "cbr", hours=40)
        copies = report(services=["cbr"], max_age=None, max_copy_age=timedelta(hours=30))
        assert ("missing_copy", resource_id) in found(copies)


def test_the_server_whose_backup_has_no_copy_in_the_second_region_is_a_finding(cloud: RunningCloud) -> None:
    made = Replicable(cloud, servers=2)
    policy_id = nightly_policy("replication")
    CbrHook().run(
        lambda service: service.vaults.associate_policy(
            made.vault_id, policy_id, destination_vault_id=made.copies_vault_id
        )
    )
    copied, other = made.checkpoint["backup_ids"]
    servers = {row["id"]: row["resource_id"] for row in cloud.state.table("cbr.backups").values()}

    before = found(report(services=["cbr"]))
    made.run(backup_id=copied).run()
    after = found(report(services=["cbr"]))

    assert {each for kind, each in before if kind == "missing_copy"} == {servers[copied], servers[other]}
    assert [each for kind, each in after if kind == "missing_copy"] == [servers[other]]


@pytest.mark.parametrize("service", SERVICES)
def test_what_failed_since_the_last_report_is_a_finding(cloud: RunningCloud, service: str) -> None:
    cloud.fail_next_backup(service, "disk full")
    with pytest.raises(Exception, match="failed|FAILED|error"):
        taken(cloud, service, wait=True)
    ids = {"resource_ids": {service: resources(cloud, f"{service}_instances")}} if service in DATABASES else {}

    before = report(services=[service], since=datetime.now(UTC) - timedelta(hours=1), **ids)
    later = report(services=[service], since=datetime.now(UTC) + timedelta(hours=1), **ids)

    (task,) = [each for each in before if each["kind"] == "failed_task"]
    assert "backup" in str(task["name"])
    if CASES[service].tells_reason and not CASES[service].is_database:
        assert "disk full" in task["reason"]
    assert "failed_task" not in {each["kind"] for each in later}


def test_what_failed_in_the_last_day_is_a_finding_when_no_time_is_known(cloud: RunningCloud) -> None:
    cloud.fail_next_backup("cbr", "disk full")
    with pytest.raises(Exception, match="disk full"):
        taken(cloud, "cbr", wait=True)

    for since in (None, "", " "):
        assert "failed_task" in {each["kind"] for each in report(services=["cbr"], since=since)}


def test_by_default_all_services_of_the_account_are_looked_at(cloud: RunningCloud) -> None:
    report()

    assert {service for service, *_ in cloud.requests} - {"iam"} == set(SERVICES)


def test_each_page_of_each_list_is_read_once(cloud: RunningCloud) -> None:
    cbr_vault(cloud)
    report(services=["cbr"])

    asked = {path: count for (service, method, path), count in cloud.requests.items() if method == "GET"}
    lists = [f"/v3/{{project_id}}/{name}" for name in ("policies", "vaults", "backups", "operation-logs")]
    assert {path: asked.get(path) for path in lists} == dict.fromkeys(lists, 1)


def test_findings_that_are_to_fail_the_task_are_kept_all_the_same(cloud: RunningCloud) -> None:
    nightly_policy()
    run = TaskRun(ProtectionReportOperator(task_id="report", services=["cbr"], fail_on={"policy_unbound"}))

    with pytest.raises(ProtectionFindingsError, match="policy_unbound 1"):
        run.execute()

    kept = json.loads(run.ti.xcoms["return_value"])
    assert [each["kind"] for each in kept] == ["policy_unbound"]


def test_findings_of_other_kinds_do_not_fail_the_task(cloud: RunningCloud) -> None:
    nightly_policy()

    assert report(services=["cbr"], fail_on={"stale", "unprotected"})


def test_a_service_that_refuses_is_a_finding_and_the_others_are_read(cloud: RunningCloud) -> None:
    policy_id = nightly_policy()
    cloud.misbehave("refuse", service="vbs", status=403, code="VBS.0002")

    findings = report(services=["vbs", "cbr"])

    assert found(findings) == [("unreadable", "vbs"), ("policy_unbound", policy_id)]


def test_a_report_that_reads_nothing_fails(cloud: RunningCloud) -> None:
    cloud.misbehave("refuse", service="vbs", status=403, code="VBS.0002")

    with pytest.raises(ApiError):
        report(services=["vbs"])


def test_wrong_credentials_are_no_finding(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_HUAWEICLOUD_BACKUP_DEFAULT", cloud.connection_json().replace(cloud.describe()["password"], "x")
    )

    with pytest.raises(AuthenticationError):
        report(services=["cbr"])


def test_a_moment_of_overload_is_waited_for(cloud: RunningCloud) -> None:
    cloud.misbehave("server_error", service="cbr", status=503, count=1)

    assert report(services=["cbr"]) == []


def test_the_log_has_a_table_in_markdown(cloud: RunningCloud, logged: Any) -> None:
    policy_id = nightly_policy()

    report(services=["cbr"])

    text = logged()
    assert "1 findings:" in text
    assert "| service" in text
    assert policy_id in text


def test_the_table_keeps_its_cells_whatever_a_name_holds_and_is_not_endless() -> None:
    finding = Finding(service="cbr", kind="stale", id="1e5", name="a|b\nc", at=None, reason="old")
    rows = markdown_table([finding] * (MOST_LOGGED + 3)).splitlines()

    assert rows[2].replace(" ", "") == "|cbr|stale|1e5|a\\|bc||old|"
    assert len(rows) == 2 + MOST_LOGGED + 2
    assert rows[-1] == "and 3 more"


@pytest.mark.parametrize(
    ("argument", "value", "field"),
    [
        ("services", ["cbr", "s3"], "services"),
        ("services", [], "services"),
        ("services", "cbr", "services"),
        ("resource_ids", {"s3": ["x"]}, "resource_ids"),
        ("resource_ids", {"cbr": []}, "resource_ids"),
        ("resource_ids", {"cbr": [" "]}, "resource_ids"),
        ("resource_ids", {"cbr": "x"}, "resource_ids"),
        ("protectables", ["workspace"], "protectables"),
        ("protectables", "server", "protectables"),
        ("max_age", 0, "max_age"),
        ("max_age", True, "max_age"),
        ("max_copy_age", "soon", "max_copy_age"),
        ("max_used", 101, "max_used"),
        ("max_used", float("nan"), "max_used"),
        ("since", "2031-04-02T09:15:07", "since"),
        ("since", "yesterday", "since"),
        ("fail_on", {"broken"}, "fail_on"),
        ("fail_on", "stale", "fail_on"),
    ],
)
def test_a_wrong_argument_is_refused_while_the_dag_is_parsed(argument: str, value: Any, field: str) -> None:
    with pytest.raises(InvalidRequestError, match=field):
        ProtectionReportOperator(task_id="report", **{argument: value})


def test_resources_of_a_service_that_is_left_out_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="resource_ids has rds, which services leaves out"):
        ProtectionReportOperator(task_id="report", services=["cbr"], resource_ids={"rds": ["x"]})


def test_protectables_without_cbr_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="protectables are of cbr, which services leaves out"):
        ProtectionReportOperator(task_id="report", services=["rds"], protectables=["server"])


def test_a_template_is_checked_when_the_task_runs(cloud: RunningCloud) -> None:
    operator = ProtectionReportOperator(task_id="report", services=["cbr"], since="{{ params.since }}")
    operator.since = "soon"

    with pytest.raises(InvalidArgumentError, match="since"):
        TaskRun(operator).execute()
    assert cloud.requests.total() == 0
