"""All contenders by name; each is imported only in the process that runs it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from benchmarks.contenders.contender import Contender


def _named(module: str, name: str) -> Callable[[], type[Contender]]:
    def load() -> type[Contender]:
        found: type[Contender] = getattr(import_module(f"benchmarks.contenders.{module}"), name)
        return found

    return load


PEERS = ("databricks", "http", "dbt-cloud")

CONTENDERS = {
    "ours": _named("ours", "Ours"),
    "databricks": _named("databricks", "Databricks"),
    "http": _named("http_sensor", "HttpSensor"),
    "dbt-cloud": _named("dbt_cloud", "DbtCloud"),
    "bare list": _named("bare_list", "BareList"),
    "bare list, tasks": _named("bare_tasks", "BareTasks"),
    "triggers alone": _named("triggers_alone", "TriggersAlone"),
    "single reads": _named("single_reads", "SingleReads"),
}
