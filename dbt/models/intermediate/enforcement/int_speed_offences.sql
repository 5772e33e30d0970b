{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by='toDate(observed_at)',
        order_by=['station_id', 'observed_at', 'device_id', 'epoch', 'seq'],
        on_schema_change='fail',
        query_settings={
            'join_use_nulls': 0,
            'max_partitions_per_insert_block': 0,
        },
    )
}}

{%- set flow = ref('int_station_flow_5m') -%}
{%- set days = stale_camera_days(flow) %}

with

readings as (
    select *
    from {{ ref('int_camera_readings') }}
    where {{ within_days('observed_at', days) }}
),

days as (
    {{ camera_days(flow) }}
),

tolerated as (
    select
        *,
        {{ speed_tolerance_m_h('speed_m_h') }} as tolerance_m_h

    from readings
),

offences as (
    select
        -- ids
        tolerated.device_id as device_id,
        epoch,
        seq,
        plate_token,
        plate_key_id,
        station_id,
        cast(road as LowCardinality(String)) as road,
        cast(direction as LowCardinality(String)) as direction,

        -- numerics
        lane,
        vehicle_class,
        speed_m_h,
        limit_kmh,
        tolerance_m_h,
        confidence_percent,
        is_implausible,
        is_clock_off,

        -- timestamps
        observed_at,
        days.folded_at as folded_at

    from tolerated
    left join days
        on toDate(tolerated.observed_at) = days.day
    where speed_m_h > limit_kmh * 1000 + tolerance_m_h
)

select * from offences
