{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        order_by=['started_at'],
        ttl='started_at + toIntervalDay(90)',
        on_schema_change='fail',
    )
}}

-- Nothing is selected: the macro record_run adds a row when a run ends, this
-- one included.
select
    '' as run_id,
    '' as command,
    toUInt32(0) as passed_count,
    toUInt32(0) as warned_count,
    toUInt32(0) as failed_count,
    toUInt32(0) as skipped_count,
    cast([], 'Array(Tuple(String, String, String, String))') as failures,
    toDateTime('1970-01-01 00:00:00', 'UTC') as started_at,
    toDateTime('1970-01-01 00:00:00', 'UTC') as ended_at

from system.one
where 0
