{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by='tuple()',
        order_by=['origin_zone', 'destination_zone', 'local_hour'],
        on_schema_change='fail',
        query_settings={'join_use_nulls': 0, 'max_bytes_before_external_group_by': 268435456},
    )
}}

{#- The one partition is replaced when the days looked at have changed; else
    nothing is read and nothing written. -#}
{%- set changed = '1 = 1' if commuters_changed() else '1 = 0' -%}
{%- set apart_min = plate_limit('commute_apart_max_min') -%}
{%- set least_days = plate_limit('commute_days_min') %}

with

totals as (
    select
        origin_zone,
        destination_zone,
        toUInt8(intDiv({{ local_minute('bin_start') }}, 60)) as local_hour,
        sum(begin_count) as journey_count

    from {{ ref('int_od_flow_5m') }}
    where {{ changed }}
        and {{ local_date('bin_start') }} in {{ commuter_weekdays() }}
    group by origin_zone, destination_zone, local_hour
    having journey_count > 0
),

-- Vehicles on the same way on enough days, with day and minute of each.
regulars as (
    select
        origin_zone,
        destination_zone,
        groupArray(({{ local_date('first_at') }}, {{ local_minute('first_at') }})) as trips

    from {{ ref('int_journeys') }}
    where {{ changed }}
        and camera_count > 0
        and origin_zone != ''
        and destination_zone != ''
        and {{ local_date('first_at') }} in {{ commuter_weekdays() }}
    group by plate_token, origin_zone, destination_zone
    having count() >= {{ least_days }}
),

habits as (
    select
        origin_zone,
        destination_zone,
        toUInt8(intDiv(arrayJoin(arrayFilter(
            t -> arrayUniq(arrayFilter(
                other -> abs(toInt32(other.2) - t.2) <= {{ apart_min }}, trips
            ).1) >= {{ least_days }},
            trips
        )).2, 60)) as local_hour

    from regulars
),

commuters as (
    select
        origin_zone,
        destination_zone,
        local_hour,
        count() as commuter_count

    from habits
    group by origin_zone, destination_zone, local_hour
),

shares as (
    select
        -- ids
        totals.origin_zone as origin_zone,
        totals.destination_zone as destination_zone,

        -- numerics
        totals.local_hour as local_hour,
        toUInt16(assumeNotNull((select count() from {{ commuter_weekdays() }}))) as weekday_count,
        totals.journey_count as journey_count,
        least(commuters.commuter_count, totals.journey_count) as commuter_count,
        if(weekday_count >= {{ least_days }}, commuter_count / totals.journey_count, null) as commuter_share,
        assumeNotNull({{ commuter_stamp() }}) as journeys_stamp

    from totals
    left join commuters
        on totals.origin_zone = commuters.origin_zone
            and totals.destination_zone = commuters.destination_zone
            and totals.local_hour = commuters.local_hour
)

select * from shares
