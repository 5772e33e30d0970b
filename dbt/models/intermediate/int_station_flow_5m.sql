{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by='toDate(bin_start)',
        order_by=['station_id', 'bin_start', 'lane', 'vehicle_class'],
        on_schema_change='fail',
        query_settings={
            'join_use_nulls': 0,
            'max_partitions_per_insert_block': 0,
            'max_bytes_before_external_group_by': 536870912,
        },
    )
}}

{#- Sums are of whole numbers, so that their value depends on no order of
    adding and a rebuild gives the very same table as the increments did. -#}
{%- set days = stale_days_of_readings() -%}
{%- set speed_max_m_h = var('plausible_speed_max_kmh') * 1000 -%}

with

devices as (
    select * from {{ ref('int_device_versions') }}
),

counter_readings as (
    select
        'counter' as instrument,
        devices.station_id as station_id,
        readings.lane as lane,
        readings.vehicle_class as vehicle_class,
        readings.observed_at as observed_at,
        readings.inserted_at as inserted_at,
        readings.covered_ms as covered_ms,
        -- m/ms = 3.6e6 m/h; a vehicle covers the loop from its front's arrival
        -- to its rear's departure, that is over its own length and the loop's
        round(
            (readings.length_m + devices.loop_length_m) * 3600000 / readings.covered_ms
        ) as speed_m_h

    from {{ ref('stg_counter_readings') }} as readings
    left asof join devices
        on readings.device_id = devices.device_id
            and readings.observed_at >= devices.valid_from
    where {{ within_days('readings.observed_at', days) }}
),

camera_readings as (
    select
        'camera' as instrument,
        devices.station_id as station_id,
        readings.lane as lane,
        readings.vehicle_class as vehicle_class,
        readings.observed_at as observed_at,
        readings.inserted_at as inserted_at,
        toUInt32(0) as covered_ms,
        round(readings.speed_kmh * 1000) as speed_m_h

    from {{ ref('stg_speed_readings') }} as readings
    left asof join devices
        on readings.device_id = devices.device_id
            and readings.observed_at >= devices.valid_from
    where {{ within_days('readings.observed_at', days) }}
),

measured as (
    select * from counter_readings
    union all
    select * from camera_readings
),

-- One flag and one number per reading: which instrument's sums it enters, and
-- its speed, 0 where it has none that can be believed.
cleaned as (
    select
        station_id,
        lane,
        vehicle_class,
        toStartOfFiveMinutes(observed_at) as bin_start,
        instrument = 'counter' as is_counter,
        covered_ms,
        if(speed_m_h between 1 and {{ speed_max_m_h }}, toUInt64(speed_m_h), 0) as speed_m_h,
        if(speed_m_h > 0, toUInt64(round(3.6e12 / speed_m_h)), 0) as pace_us_km,
        inserted_at

    from measured
),

binned as (
    select
        -- ids
        station_id,
        lane,
        vehicle_class,

        -- numerics
        countIf(is_counter) as counter_count,
        sumIf(covered_ms, is_counter) as counter_covered_ms,
        countIf(is_counter and speed_m_h > 0) as counter_speed_count,
        sumIf(speed_m_h, is_counter) as counter_sum_speed_m_h,
        sumIf(speed_m_h * speed_m_h, is_counter) as counter_sum_speed_squared_m2_h2,
        sumIf(pace_us_km, is_counter) as counter_sum_pace_us_km,
        countIf(not is_counter) as camera_count,
        countIf(not is_counter and speed_m_h > 0) as camera_speed_count,
        sumIf(speed_m_h, not is_counter) as camera_sum_speed_m_h,
        sumIf(speed_m_h * speed_m_h, not is_counter) as camera_sum_speed_squared_m2_h2,
        sumIf(pace_us_km, not is_counter) as camera_sum_pace_us_km,

        -- timestamps
        bin_start,
        max(inserted_at) as last_inserted_at,
        now('UTC') as computed_at

    from cleaned
    group by station_id, lane, vehicle_class, bin_start
)

select * from binned
