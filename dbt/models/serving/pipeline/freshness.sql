{{
    config(
        materialized='table',
        order_by='tuple()',
    )
}}

with

newest as (
    select
        -- A clock that is ahead makes no newest bin: int_station_5m sees to
        -- that. One that is not over yet is known as far as it has come.
        least(toDateTime(max(bin_start) + {{ var('bin_s') }}, 'UTC'), now('UTC')) as as_of,
        min(local_date) as first_date,
        max(local_date) as last_date,
        countIf(count_state = 'measured') as measured_bin_count,
        count() as bin_count,
        sum(vehicle_count) as vehicle_count,
        now('UTC') as computed_at

    from {{ ref('station_5m') }}
    having bin_count > 0
)

select * from newest
