"""The iCalendar text around the rule of a CSBS policy: read and written (CSBS section 3.1, RRULE table)."""

from __future__ import annotations

from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule


def rule_in(text: str) -> RecurrenceRule:
    r"""Read the text of a policy, with or without the calendar around its rule, with ``\r\n`` or ``\n``.

    :param text: iCalendar text with one RRULE.
    :raises ValueError: a rule of the RRULE table is broken; the message names it.
    """
    rules = [line.strip()[6:] for line in text.splitlines() if line.strip().upper().startswith("RRULE:")]
    if len(rules) != 1:
        raise ValueError(f"must hold one RRULE, not {len(rules)}")
    try:
        return RecurrenceRule.parse(rules[0], lenient=True)
    except ValueError as error:
        raise ValueError(f"the RRULE is not possible: {error}") from None


def calendar_text(rule: RecurrenceRule) -> str:
    """Return the text in the form of the vendor's sample: a calendar with one event, lines end with CR LF.

    :param rule: when the policy runs.
    """
    rrule = f"RRULE:{rule.to_text(minute_digits=1)}"
    return "\r\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", rrule, "END:VEVENT", "END:VCALENDAR", ""))
