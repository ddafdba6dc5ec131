"""Every documented rule of the requests that operators make, and something that breaks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from airflow_provider_backup.operators.base import BackupCloudOperator
from airflow_provider_backup.operators.cbr import (
    CbrApplyPolicyOperator,
    CbrApplyVaultOperator,
    CbrCreateBackupOperator,
    CbrCreatePolicyOperator,
    CbrDeleteBackupOperator,
    CbrDeletePolicyOperator,
    CbrDeleteVaultOperator,
    CbrGetPolicyOperator,
    CbrGetVaultOperator,
    CbrListPoliciesOperator,
    CbrListVaultsOperator,
    CbrReplicateBackupOperator,
    CbrUpdatePolicyOperator,
)
from airflow_provider_backup.operators.csbs import (
    CsbsApplyPolicyOperator,
    CsbsCreateBackupOperator,
    CsbsCreatePolicyOperator,
    CsbsDeleteBackupOperator,
    CsbsDeletePolicyOperator,
    CsbsExecutePolicyOperator,
    CsbsGetPolicyOperator,
    CsbsUpdatePolicyOperator,
)
from airflow_provider_backup.operators.gaussdb import (
    GaussDbApplyBackupPolicyOperator,
    GaussDbCreateBackupOperator,
    GaussDbDeleteBackupOperator,
    GaussDbGetBackupPolicyOperator,
    GaussDbGetRestoreWindowsOperator,
)
from airflow_provider_backup.operators.rds import (
    RdsApplyBackupPolicyOperator,
    RdsApplyOffsiteBackupPolicyOperator,
    RdsCreateBackupOperator,
    RdsDeleteBackupOperator,
    RdsDeleteInstanceOperator,
    RdsGetBackupPolicyOperator,
    RdsGetRestoreWindowsOperator,
    RdsRestoreTablesOperator,
)
from airflow_provider_backup.operators.taurusdb import (
    TaurusDbApplyBackupPolicyOperator,
    TaurusDbCreateBackupOperator,
    TaurusDbDeleteBackupOperator,
    TaurusDbGetBackupPolicyOperator,
)
from airflow_provider_backup.operators.vbs import (
    VbsApplyPolicyOperator,
    VbsCreateBackupOperator,
    VbsCreatePolicyOperator,
    VbsDeleteBackupOperator,
    VbsDeletePolicyOperator,
    VbsGetPolicyOperator,
    VbsUpdatePolicyOperator,
)

UUID = "c40ef2f5-2086-53d3-a494-1424d9c5099a"
INSTANCE = "bff3e448677a5dfa8a8fb630a6a3225cin01"


@dataclass(frozen=True)
class Case:
    """One way to break a rule.

    :param operator: whose argument it is.
    :param good: arguments that are fine together.
    :param argument: the argument that breaks the rule.
    :param value: the value that does.
    :param names: how the error names the field, when not as the argument.
    :param rest: further arguments that the case needs.
    """

    operator: type[BackupCloudOperator]
    good: Mapping[str, Any]
    argument: str
    value: Any
    names: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def field(self) -> str:
        """The field as the error names it."""
        return self.names or self.argument

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments, the wrong one included."""
        return {**self.good, **self.rest, self.argument: self.value}

    def __str__(self) -> str:
        return f"{self.operator.__name__}-{self.argument}-{self.value!r:.40}"


def _cases(
    operator: type[BackupCloudOperator],
    good: Mapping[str, Any],
    values: Mapping[str, list[Any]],
    **names: str,
) -> list[Case]:
    return [
        Case(operator, good, argument, value, names.get(argument, ""))
        for argument, wrong in values.items()
        for value in wrong
    ]


VBS_POLICY: dict[str, Any] = {"name": "nightly", "schedule": "daily at 14:00", "retention_num": 7}
VBS_BACKUP: dict[str, Any] = {"volume_id": UUID}
CSBS_POLICY: dict[str, Any] = {"name": "nightly", "schedule": "daily at 14:00"}
CSBS_EXECUTE: dict[str, Any] = {"policy_id": UUID}
CSBS_BACKUP: dict[str, Any] = {"server_id": UUID}
CBR_POLICY: dict[str, Any] = {"name": "nightly", "schedule": "daily at 14:00"}
CBR_UPDATE: dict[str, Any] = {"policy_id": UUID, "enabled": True}
CBR_BACKUP: dict[str, Any] = {"vault_id": UUID}
CBR_COPY: dict[str, Any] = {
    "backup_id": UUID,
    "destination_region": "eu-nl",
    "destination_project_id": "project",
    "destination_vault_id": UUID,
}
CBR_VAULT: dict[str, Any] = {"name": "app", "size": 100, "object_type": "server"}
DATABASE: dict[str, Any] = {"instance_id": INSTANCE}

TOO_LONG_TAGS = {str(number): "" for number in range(11)}
UNREADABLE_SCHEDULES = ["", "sometimes", "daily at 24:00", "Mon,Xyz 02:00", "daily at 2 pm", "every 0 days at 02:00", 5]
UNREADABLE_ZONES = ["", "Mars/Base", "UTC+15:00", "UTC+2", "+02:00", 2]
LONG_TERM = {f"{period}_backups": [-1, 101, "many"] for period in ("day", "week", "month", "year")}
MANIFEST = "operation_definition."
OPERATION = "scheduled_operations.0."
VBS_DESCRIPTION: dict[str, list[Any]] = {
    "name": ["a" * 65, "with space", "a.b"],
    "schedule": [*UNREADABLE_SCHEDULES, "every 31 days at 02:00", "daily at 02:30"],
    "retention_num": [1, "many"],
    "keep_first_backup_of_month": ["perhaps"],
    "enabled": ["perhaps"],
}
CSBS_DESCRIPTION: dict[str, list[Any]] = {
    "name": ["", "a" * 256, "with space", "a.b"],
    "description": ["a" * 256, "a<b", "a>b"],
    "schedule": [*UNREADABLE_SCHEDULES, "every 31 days at 02:00", "daily at 02:00, 03:30"],
    "enabled": ["perhaps"],
    "max_backups": [-2, 100_000, "many"],
    "retention_duration_days": [-2, 100_000, "long"],
    "permanent": ["perhaps"],
}
CSBS_DESCRIPTION_NAMES = {
    "enabled": OPERATION + "enabled",
    **{name: OPERATION + MANIFEST + name for name in ("max_backups", "retention_duration_days", "permanent")},
}
DATABASE_VALUES: dict[str, list[Any]] = {
    "instance_id": ["", None],
    "name": ["abc", "a" * 65, "1abc", "-abc", "with space", "dötted", "a.bcd"],
    "description": ["a" * 257, *(f"a{sign}b" for sign in "><!\"&'=")],
}
DATABASE_POLICY: dict[str, Any] = {"instance_id": INSTANCE, "keep_days": 7, "schedule": "daily at 02:00"}
DATABASE_POLICY_VALUES: dict[str, list[Any]] = {
    "instance_id": ["", None, 5],
    "schedule": [*UNREADABLE_SCHEDULES, "every 2 days at 02:00", "daily at 02:00, 14:00", "daily at 02:10"],
    "time_zone": UNREADABLE_ZONES,
}
HALF_HOURS: dict[str, list[Any]] = {"schedule": [*DATABASE_POLICY_VALUES["schedule"], "daily at 02:30"]}
OFFSITE_POLICY: dict[str, Any] = {
    "instance_id": INSTANCE,
    "destination_region": "eu-nl",
    "destination_project_id": "p2",
    "keep_days": 7,
}
NO_DAYS: list[Any] = ["", "tomorrow", "2031-02-30", "2031-04-02T12:00:00Z", ["2031-04-02"]]
CBR_VALUES: dict[str, list[Any]] = {
    "name": ["a" * 65, "with space", "a.b", "<>"],
    "schedule": [*UNREADABLE_SCHEDULES, "every 31 days at 02:00", "daily at 02:00, 02:30"],
    "time_zone": UNREADABLE_ZONES,
    "enabled": ["perhaps"],
    "max_backups": [-2, 100_000, "many", 1.5],
    "retention_duration_days": [-2, 0, 100_000, "long"],
    "full_backup_interval": [-2, 101],
    "destination_region": ["eu_nl!", "a" * 256],
    **LONG_TERM,
}
CBR_NAMES = {
    "patterns": "trigger.properties.pattern",
    **{name: MANIFEST + name for name in ("max_backups", "retention_duration_days", "full_backup_interval")},
    **{name: MANIFEST + name for name in LONG_TERM},
    "destination_region": MANIFEST + "destination_region",
    "destination_project_id": MANIFEST + "destination_project_id",
}
PATTERNS: list[Any] = [
    [],
    ["FREQ=MONTHLY;BYHOUR=1;BYMINUTE=0"],
    ["FREQ=DAILY;COUNT=3;BYHOUR=1;BYMINUTE=0"],
    ["FREQ=DAILY;INTERVAL=31;BYHOUR=1;BYMINUTE=0"],
    ["FREQ=DAILY;BYHOUR=24;BYMINUTE=0"],
    ["FREQ=DAILY;BYHOUR=1;BYMINUTE=60"],
    ["FREQ=DAILY;BYDAY=MO;BYHOUR=1;BYMINUTE=0"],
    ["FREQ=DAILY;BYHOUR=1;BYMINUTE=0", "FREQ=DAILY;BYHOUR=1;BYMINUTE=30"],
    ["FREQ=DAILY;BYHOUR=1;BYMINUTE=0"] * 25,
    "FREQ=DAILY;BYHOUR=1;BYMINUTE=0",
]
WITHOUT_SCHEDULE: dict[str, Any] = {"name": "nightly"}

CASES = [
    # VBS sections 3.1 and 4.1
    *_cases(
        VbsCreatePolicyOperator,
        VBS_POLICY,
        {
            "name": ["", "a" * 65, "with space", "a.b", None],
            "schedule": [*UNREADABLE_SCHEDULES, "daily at 14:30", "every 31 days at 02:00"],
            "time_zone": [*UNREADABLE_ZONES],
            "retention_num": [1, 0, -1, "many"],
            "keep_first_backup_of_month": ["maybe"],
            "enabled": ["perhaps"],
            "tags": [TOO_LONG_TAGS, {"": "x"}, {"k" * 37: ""}, {"k": "v" * 44}, {"k y": ""}, {"k": "v!"}, "team", 5],
        },
        retention_num="scheduled_policy.retention_num",
        keep_first_backup_of_month="scheduled_policy.keep_first_backup_of_month",
        enabled="scheduled_policy.enabled",
    ),
    Case(VbsCreatePolicyOperator, VBS_POLICY, "schedule", "daily at 14:00", "schedule", {"time_zone": "UTC+05:30"}),
    Case(VbsCreatePolicyOperator, VBS_POLICY, "schedule", None, "schedule: one of"),
    Case(VbsCreatePolicyOperator, VBS_POLICY, "retention_num", None, "scheduled_policy.retention_num"),
    *(
        Case(
            VbsCreatePolicyOperator,
            {"name": "nightly", "schedule": "daily at 14:00"},
            "retention_day",
            value,
            "scheduled_policy.retention_day",
        )
        for value in (1, 100_000, "long")
    ),
    Case(VbsCreatePolicyOperator, VBS_POLICY, "retention_day", 21, "scheduled_policy.retention_day"),
    *_cases(
        VbsCreateBackupOperator,
        VBS_BACKUP,
        {
            "volume_id": ["", None],
            "name": ["a" * 65, "with space", "autobk_1"],
            "description": ["a" * 65, "a<b", "a>b"],
            "snapshot_id": [""],
            "full_backup": ["maybe"],
            "tags": [TOO_LONG_TAGS, {"": "x"}, {"k" * 37: ""}, {"k": "v" * 44}, {"a=b": ""}, {"k": "a\nb"}, "team"],
        },
        full_backup="extend_param.full_backup",
    ),
    # VBS sections 3.1, 3.2 and 3.6
    *_cases(
        VbsApplyPolicyOperator,
        VBS_POLICY,
        {
            **VBS_DESCRIPTION,
            "policy_id": ["", 5],
            "volume_ids": [UUID, [""], [5]],
            "unbind_volume_ids": [UUID, [""], [5]],
        },
    ),
    Case(VbsApplyPolicyOperator, VBS_POLICY, "name", None, "name: one of policy_id, name"),
    Case(VbsApplyPolicyOperator, VBS_POLICY, "schedule", None, "schedule: must be given"),
    Case(VbsApplyPolicyOperator, VBS_POLICY, "retention_num", None, "one of retention_num, retention_day"),
    *_cases(
        VbsUpdatePolicyOperator,
        {"policy_id": UUID, "enabled": True},
        {**VBS_DESCRIPTION, "policy_id": ["", None], "time_zone": ["UTC+02:00"]},
    ),
    Case(VbsUpdatePolicyOperator, {"policy_id": UUID}, "enabled", None, "policy: give at least one"),
    *_cases(VbsGetPolicyOperator, {}, {"policy_id": ["", " ", None, 5]}),
    *_cases(VbsDeletePolicyOperator, {}, {"policy_id": ["", " ", None, 5]}),
    # CSBS sections 3.1, 3.2 and 4.2
    *_cases(
        CsbsCreatePolicyOperator,
        CSBS_POLICY,
        {
            "name": ["", "a" * 256, "with space", "a.b", None],
            "schedule": [*UNREADABLE_SCHEDULES, "every 31 days at 02:00", "daily at 02:00, 03:30"],
            "enabled": ["perhaps"],
            "time_zone": UNREADABLE_ZONES,
            "servers": [
                [{"id": str(number), "name": "app"} for number in range(65)],
                [{"name": "app"}],
                [{"id": "", "name": "app"}],
                [{"id": UUID}],
                [{"id": UUID, "name": "app", "type": "OS::Cinder::Volume"}],
                UUID,
            ],
            "max_backups": [-2, 100_000, "many"],
            "retention_duration_days": [-2, 100_000, "long"],
            "permanent": ["perhaps"],
            "description": ["a" * 256, "a<b", "a>b"],
            "tags": [{}, TOO_LONG_TAGS, {"": "x"}, {"k" * 37: ""}, {"k": "v" * 44}, {"k y": ""}, {"k": "v!"}],
            **LONG_TERM,
        },
        servers="resources",
        enabled=OPERATION + "enabled",
        **{
            name: OPERATION + MANIFEST + name
            for name in ("max_backups", "retention_duration_days", "permanent", *LONG_TERM)
        },
    ),
    Case(CsbsCreatePolicyOperator, CSBS_POLICY, "schedule", None, "schedule: one of"),
    # Half past midnight in Berlin is another day in UTC than two o'clock.
    Case(
        CsbsCreatePolicyOperator,
        CSBS_POLICY,
        "schedule",
        "Mon at 00:30, 03:30",
        "schedule",
        {"time_zone": "UTC+02:00"},
    ),
    *_cases(CsbsGetPolicyOperator, {}, {"policy_id": ["", " ", None, 5]}),
    # CBR sections 5.1 to 5.7
    *_cases(
        CbrApplyVaultOperator,
        CBR_VAULT,
        {
            "name": ["", "a" * 65, "with space", "a.b", None],
            "size": [9, 10_485_761, "large", None],
            "object_type": ["car", "", None],
            "protect_type": ["copy"],
            "consistent_level": ["perfect"],
            "charging_mode": ["pre_paid"],
            "description": ["a" * 65, "a<b"],
            "backup_name_prefix": ["a" * 33],
            "enterprise_project_id": [""],
            "tags": [{str(number): "" for number in range(21)}, {"": "x"}, {"k" * 37: ""}, {"k": "v" * 44}, "team", 5],
            "auto_bind": ["perhaps"],
            "bind_rules": [{}, {str(number): "" for number in range(6)}, "team"],
            "auto_expand": ["perhaps"],
            "smn_notify": ["perhaps"],
            "threshold": [0, 101, "full"],
            "locked": [True, "perhaps"],
            "resource_ids": [[""], UUID, [UUID, UUID.upper()], [f"id-{number}" for number in range(257)]],
            "resource_details": [[{"id": UUID}], [{"id": UUID, "type": "OS::Car"}], UUID],
            "destination_vault_id": ["", UUID],
            "vault_id": ["", " ", 5],
        },
    ),
    Case(CbrApplyVaultOperator, CBR_VAULT, "replication_policy_id", UUID),
    Case(CbrApplyVaultOperator, CBR_VAULT, "backup_policy_id", UUID, rest={"protect_type": "replication"}),
    Case(
        CbrApplyVaultOperator,
        CBR_VAULT,
        "delete_backups",
        True,
        rest={"auto_bind": True, "resource_ids": [UUID]},
    ),
    *_cases(CbrGetVaultOperator, {}, {"vault_id": ["", " ", None, 5]}),
    *_cases(CbrDeleteVaultOperator, {}, {"vault_id": ["", None, 5]}),
    *_cases(
        CbrListVaultsOperator,
        {"name": "app"},
        {"object_type": ["car"], "protect_type": ["copy"], "policy_id": [""], "resource_ids": [[], [""], UUID]},
    ),
    *_cases(
        CsbsExecutePolicyOperator,
        CSBS_EXECUTE,
        {"policy_id": ["", None], "server_ids": [[], [""], UUID], "auto_trigger": ["perhaps"]},
        policy_id="plan_id",
        server_ids="parameters.resources",
        auto_trigger="parameters.auto_trigger",
    ),
    # CSBS sections 3.1 and 3.2
    *_cases(
        CsbsApplyPolicyOperator,
        CSBS_POLICY,
        {
            **CSBS_DESCRIPTION,
            "policy_id": ["", 5],
            "servers": [[{"name": "app"}], [{"id": "", "name": "app"}], [{"id": UUID}], UUID],
        },
        **CSBS_DESCRIPTION_NAMES,
        servers="resources",
    ),
    Case(CsbsApplyPolicyOperator, CSBS_POLICY, "name", None, "name: one of policy_id, name"),
    Case(CsbsApplyPolicyOperator, CSBS_POLICY, "schedule", None, "schedule: must be given"),
    *_cases(
        CsbsUpdatePolicyOperator,
        {"policy_id": UUID, "enabled": True},
        {**CSBS_DESCRIPTION, "policy_id": ["", None]},
        **CSBS_DESCRIPTION_NAMES,
    ),
    Case(CsbsUpdatePolicyOperator, {"policy_id": UUID}, "enabled", None, "policy: give at least one"),
    *_cases(CsbsDeletePolicyOperator, {}, {"policy_id": ["", " ", None, 5]}),
    # CSBS section 4.1
    *_cases(
        CsbsCreateBackupOperator,
        CSBS_BACKUP,
        {
            "server_id": ["", " ", None, 5],
            "name": ["a" * 256, "with space", "a.b"],
            "description": ["a" * 256, "a<b", "a>b"],
            "incremental": ["perhaps"],
            "tags": [{}, TOO_LONG_TAGS, {"": "x"}, {"k" * 37: ""}, {"k": "v" * 44}, {"k y": ""}, {"k": "v!"}],
        },
        name="backup_name",
    ),
    # CBR sections 4.1 to 4.4 and 6.1
    *_cases(CbrCreatePolicyOperator, CBR_POLICY, {**CBR_VALUES, "name": ["", None, *CBR_VALUES["name"]]}, **CBR_NAMES),
    *_cases(CbrCreatePolicyOperator, CBR_POLICY, {"operation_type": ["restore", ""]}),
    *_cases(CbrCreatePolicyOperator, WITHOUT_SCHEDULE, {"patterns": PATTERNS}, **CBR_NAMES),
    Case(CbrCreatePolicyOperator, WITHOUT_SCHEDULE, "schedule", None, "schedule: one of"),
    Case(CbrCreatePolicyOperator, CBR_POLICY, "patterns", ["FREQ=DAILY;BYHOUR=1;BYMINUTE=0"]),
    Case(CbrCreatePolicyOperator, CBR_POLICY, "destination_project_id", "p", MANIFEST + "destination_project_id"),
    Case(CbrCreatePolicyOperator, CBR_POLICY, "destination_region", "eu-nl", MANIFEST + "destination_project_id"),
    *_cases(CbrUpdatePolicyOperator, CBR_UPDATE, CBR_VALUES, **CBR_NAMES),
    *_cases(CbrUpdatePolicyOperator, CBR_UPDATE, {"patterns": PATTERNS}, **CBR_NAMES),
    *_cases(CbrUpdatePolicyOperator, CBR_UPDATE, {"policy_id": ["", None]}),
    Case(CbrUpdatePolicyOperator, {"policy_id": UUID}, "enabled", None, "policy"),
    *_cases(CbrApplyPolicyOperator, CBR_POLICY, {**CBR_VALUES, "name": ["", None, *CBR_VALUES["name"]]}, **CBR_NAMES),
    *_cases(
        CbrApplyPolicyOperator,
        CBR_POLICY,
        {"policy_id": ["", 5], "operation_type": ["restore", ""], "vault_ids": [UUID, {UUID: UUID}, [""], [5]]},
    ),
    *_cases(CbrApplyPolicyOperator, WITHOUT_SCHEDULE, {"patterns": PATTERNS}, **CBR_NAMES),
    Case(CbrApplyPolicyOperator, WITHOUT_SCHEDULE, "schedule", None, "schedule: one of"),
    Case(CbrApplyPolicyOperator, CBR_POLICY, "patterns", ["FREQ=DAILY;BYHOUR=1;BYMINUTE=0"]),
    Case(CbrApplyPolicyOperator, CBR_POLICY, "destination_region", "eu-nl", MANIFEST + "destination_project_id"),
    *_cases(CbrGetPolicyOperator, {}, {"policy_id": ["", " ", None, 5]}),
    *_cases(CbrDeletePolicyOperator, {}, {"policy_id": ["", " ", None, 5]}),
    *_cases(CbrListPoliciesOperator, {"name": "nightly"}, {"operation_type": ["restore", ""], "vault_id": [""]}),
    *_cases(
        CbrCreateBackupOperator,
        CBR_BACKUP,
        {
            "vault_id": ["", "vault", None],
            "name": ["a" * 65, "with space"],
            "description": ["a" * 256, "a<b", "a>b"],
            "incremental": ["perhaps"],
            "retention_days": [0, -2, 36_501, "long"],
            "resource_ids": [[], ["server"], UUID],
            "resource_details": [
                [{"id": UUID}],
                [{"id": UUID, "type": "OS::Other"}],
                [{"id": "", "type": "OS::Nova::Server"}],
                [{"id": UUID, "type": "OS::Nova::Server", "name": "a" * 256}],
                [{"id": UUID, "type": "OS::Nova::Server"}] * 257,
            ],
        },
        name="parameters.name",
        description="parameters.description",
        incremental="parameters.incremental",
        retention_days="parameters.retention_duration_days",
        resource_ids="parameters.resources",
        resource_details="parameters.resource_details",
    ),
    # CBR section 7.5
    *_cases(
        CbrReplicateBackupOperator,
        CBR_COPY,
        {
            "destination_region": ["", "eu nl", "a" * 256, None, 5],
            "destination_project_id": ["", None, 5],
            "destination_vault_id": ["", None, 5],
            "name": ["", "a" * 65, "with space"],
            "description": ["a" * 256, "a<b", "a>b"],
        },
    ),
    # Databases sections 3.1 to 3.3
    *_cases(
        RdsCreateBackupOperator,
        DATABASE,
        {**DATABASE_VALUES, "databases": ["orders", [""]], "backup_database_individually": [True, "perhaps"]},
    ),
    *_cases(GaussDbCreateBackupOperator, DATABASE, DATABASE_VALUES),
    *_cases(
        TaurusDbCreateBackupOperator,
        DATABASE,
        {**DATABASE_VALUES, "name": ["abc", "a" * 65, "1abc", "with space", "备" * 22, "a.bcd"]},
    ),
    # Databases section 8.5
    *_cases(
        RdsRestoreTablesOperator,
        {**DATABASE, "restore_time": "latest", "databases": {"shop": "shop_before"}},
        {
            "instance_id": ["", None, 5],
            "restore_time": [None, "yesterday", "2031-04-02T09:15:07"],
            "databases": [{}, {"shop": "shop"}, {"shop": ""}, ["shop"]],
        },
    ),
    # Databases section 11.1
    *_cases(
        RdsDeleteInstanceOperator,
        {**DATABASE, "confirm_name": "orders"},
        {"instance_id": ["", None, 5], "confirm_name": ["", None, 5]},
    ),
    # Databases section 6
    *_cases(
        RdsApplyBackupPolicyOperator,
        DATABASE_POLICY,
        {**DATABASE_POLICY_VALUES, "keep_days": [-1, 0, 3654, "many", 1.5]},
    ),
    Case(RdsApplyBackupPolicyOperator, {"instance_id": INSTANCE}, "keep_days", None),
    *_cases(
        GaussDbApplyBackupPolicyOperator,
        DATABASE_POLICY,
        {
            **DATABASE_POLICY_VALUES,
            **HALF_HOURS,
            "keep_days": [-1, 0, 733, "many"],
            "differential_period": [0, 45, "often"],
            "rate_limit": [-1, 1025, "fast"],
            "prefetch_block": [0, 8193],
            "file_split_size": [-4, 6, 1028],
            "enable_standby_backup": ["perhaps"],
        },
    ),
    *_cases(
        TaurusDbApplyBackupPolicyOperator,
        DATABASE_POLICY,
        {
            **DATABASE_POLICY_VALUES,
            **HALF_HOURS,
            "keep_days": [-1, 0, 733, "many"],
            "retention_num_backup_level1": [-1, 2],
        },
    ),
    *(
        case
        for operator in (RdsGetBackupPolicyOperator, GaussDbGetBackupPolicyOperator, TaurusDbGetBackupPolicyOperator)
        for case in _cases(operator, DATABASE, {"instance_id": ["", None, 5]})
    ),
    # Databases section 8.6
    *_cases(
        RdsApplyOffsiteBackupPolicyOperator,
        OFFSITE_POLICY,
        {
            "instance_id": ["", None, 5],
            "destination_region": ["", None, 5],
            "destination_project_id": ["", None, 5],
            "keep_days": [-1, 0, 1826, "many", None],
            "backup_type": ["incremental", "manual", ""],
        },
    ),
    # Databases section 7
    *_cases(RdsGetRestoreWindowsOperator, DATABASE, {"instance_id": ["", None, 5], "date": NO_DAYS}),
    *_cases(
        GaussDbGetRestoreWindowsOperator,
        {**DATABASE, "date": "2031-04-02"},
        {"instance_id": ["", None, 5], "date": [*NO_DAYS, None]},
    ),
]
"""Every case by itself: all other arguments are fine."""

WRONG_DURATIONS: list[Any] = [0, -1, True, "soon", None, float("nan"), timedelta(0), timedelta(seconds=-1)]

TIMING = [
    Case(operator, good, argument, value)
    for operator, good in (
        (VbsCreateBackupOperator, VBS_BACKUP),
        (CsbsExecutePolicyOperator, CSBS_EXECUTE),
        (CsbsCreateBackupOperator, CSBS_BACKUP),
        (CbrCreateBackupOperator, CBR_BACKUP),
        (RdsCreateBackupOperator, DATABASE),
        (GaussDbCreateBackupOperator, DATABASE),
        (TaurusDbCreateBackupOperator, DATABASE),
    )
    for argument in ("poll_interval", "timeout", "tolerance")
    for value in WRONG_DURATIONS
    if (argument, value) != ("tolerance", None)
] + [
    Case(operator, {"backup_id": UUID, **more}, argument, value)
    for operator, more in (
        (VbsDeleteBackupOperator, {}),
        (CsbsDeleteBackupOperator, {}),
        (CbrDeleteBackupOperator, {}),
        (RdsDeleteBackupOperator, {"instance_id": INSTANCE}),
        (GaussDbDeleteBackupOperator, {}),
        (TaurusDbDeleteBackupOperator, {}),
    )
    for argument in ("poll_interval", "timeout", "tolerance")
    for value in WRONG_DURATIONS
    if (argument, value) != ("tolerance", None)
]
"""Rules of arguments that are not templated and not sent."""
