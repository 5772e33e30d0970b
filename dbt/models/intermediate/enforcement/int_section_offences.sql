{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by='toDate(observed_at)',
        order_by=['to_station_id', 'observed_at', 'to_device_id', 'to_epoch', 'to_seq'],
        on_schema_change='fail',
        query_settings={
            'join_use_nulls': 0,
            'max_partitions_per_insert_block': 0,
            'max_bytes_before_external_sort': 536870912,
        },
    )
}}

{%- set flow = ref('int_station_flow_5m') -%}
{%- set days = stale_camera_days(flow, look_back_days=1) -%}
{%- set earlier = 'over (partition by plate_token, plate_key_id, road, direction
        order by observed_at, device_id, epoch, seq
        rows between 1 preceding and 1 preceding)' %}

with

-- A time that cannot be right cannot prove how long somebody took.
sightings as (
    select *
    from {{ ref('int_camera_readings') }}
    where plate_token is not null
        and not is_clock_off
        and station_id != ''
        and {{ within_days('observed_at', with_day_before(days)) }}
),

limits as (
    {{ limits_along_roads() }}
),

days as (
    {{ camera_days(flow, look_back_days=1) }}
),

-- Each sighting and the one before it on the same road and direction.
followed as (
    select
        *,
        any(device_id) {{ earlier }} as from_device_id,
        any(epoch) {{ earlier }} as from_epoch,
        any(seq) {{ earlier }} as from_seq,
        any(station_id) {{ earlier }} as from_station_id,
        any(offset_m) {{ earlier }} as from_offset_m,
        any(limit_kmh) {{ earlier }} as from_limit_kmh,
        any(confidence_percent) {{ earlier }} as from_confidence_percent,
        any(observed_at) {{ earlier }} as from_observed_at

    from sightings
),

-- Rounded down, in favour of the driver.
timed as (
    select
        *,
        toUInt32(offset_m - from_offset_m) as length_m,
        toUInt64(toUnixTimestamp64Micro(observed_at) - toUnixTimestamp64Micro(from_observed_at)) as travel_us,
        toUInt32(least(intDiv(length_m * 3600000000, travel_us), 4000000000)) as average_m_h,
        {{ speed_tolerance_m_h('average_m_h') }} as tolerance_m_h

    from followed
    where from_device_id != ''
        and offset_m >= from_offset_m + {{ threshold('section_length_min_m', 'enforcement_thresholds') }}
        and observed_at > from_observed_at
        and observed_at <= from_observed_at + {{ threshold('section_travel_max_s', 'enforcement_thresholds') }}
        and {{ within_days('observed_at', days) }}
),

-- The section's limit is never below those at its ends: most pairs go here.
suspected as (
    select *
    from timed
    where average_m_h > greatest(from_limit_kmh, limit_kmh) * 1000 + tolerance_m_h
),

limited as (
    select
        suspected.*,
        toUInt8(arrayMax(arrayConcat(
            [from_limit_kmh, limit_kmh],
            arrayMap(l -> l.3, arrayFilter(
                l -> l.1 < offset_m and l.2 > from_offset_m and l.4 <= observed_at and l.5 > from_observed_at,
                limits.stretches
            ))
        ))) as section_limit_kmh

    from suspected
    left join limits
        on suspected.road = limits.road
            and suspected.direction = limits.direction
),

offences as (
    select
        -- ids
        from_device_id,
        from_epoch,
        from_seq,
        limited.device_id as to_device_id,
        epoch as to_epoch,
        seq as to_seq,
        plate_token,
        plate_key_id,
        from_station_id,
        station_id as to_station_id,
        cast(limited.road as LowCardinality(String)) as road,
        cast(limited.direction as LowCardinality(String)) as direction,

        -- numerics
        vehicle_class,
        length_m,
        travel_us,
        average_m_h,
        section_limit_kmh as limit_kmh,
        tolerance_m_h,
        from_confidence_percent,
        confidence_percent as to_confidence_percent,

        -- timestamps
        from_observed_at,
        observed_at,
        days.folded_at as folded_at

    from limited
    left join days
        on toDate(limited.observed_at) = days.day
    where average_m_h > section_limit_kmh * 1000 + tolerance_m_h
)

select * from offences
