"""The faults that the model test draws from: everything that the local cloud can do wrong."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Trouble = dict[str, Any]
"""Arguments of ``RunningCloud.misbehave``."""

TOLERANCE = 0.5
"""Seconds of consecutive transient errors, for a small tolerance; a healthy answer takes about 0.003."""

DELAYS = (0.03, 0.03, 0.03, 0.6)
"""Seconds; the longest one is more than is tolerated."""

_KINDS = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("refuse"),
            "status": st.sampled_from([400, 403, 409, 500]),
            "code": st.sampled_from(["Any.0001", "APIGW.0302"]),
        }
    ),
    st.fixed_dictionaries(
        {"kind": st.just("delay"), "seconds": st.sampled_from(DELAYS), "after_effect": st.booleans()}
    ),
    st.fixed_dictionaries({"kind": st.just("throttle"), "retry_after": st.sampled_from([None, 0, 1])}),
    st.fixed_dictionaries(
        {
            "kind": st.just("server_error"),
            "status": st.sampled_from([500, 502, 503, 504]),
            "after_effect": st.booleans(),
        }
    ),
    st.fixed_dictionaries({"kind": st.sampled_from(["close_before", "close_after", "half_body", "not_json"])}),
    st.just({"kind": "old_token"}),
)

_STALE = st.fixed_dictionaries({"kind": st.just("stale_read"), "writes": st.integers(1, 2)})


def troubles(service: str, *, with_stale_reads: bool = True) -> st.SearchStrategy[Trouble]:
    """Draw a fault that hits a few requests.

    :param service: whose requests are hit, now and then those to the identity service instead.
    :param with_stale_reads: whether a read may show what was true before, however long ago that is.
    """
    count = st.integers(1, 4)
    hit = st.fixed_dictionaries(
        {
            "service": st.sampled_from([service, service, service, "iam"]),
            "method": st.sampled_from(["POST", "GET", None]),
            "count": count,
        }
    )
    stale = st.fixed_dictionaries({"service": st.just(service), "count": st.integers(1, 8)})
    of_now = st.builds(lambda kind, where: {**kind, **where}, _KINDS, hit)
    of_before = st.builds(lambda kind, where: {**kind, **where}, _STALE, stale)
    return st.one_of(of_now, of_before) if with_stale_reads else of_now
