{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by='toDate(hour_start)',
        order_by=['station_id', 'hour_start', 'lane', 'vehicle_class', 'speed_kmh'],
        on_schema_change='fail',
        query_settings={
            'join_use_nulls': 0,
            'max_partitions_per_insert_block': 0,
            'max_bytes_before_external_group_by': 536870912,
            'max_bytes_before_external_sort': 536870912,
        },
    )
}}

{#- A vehicle drives freely when the one ahead in its lane is far enough away
    and its five minutes are not congested: their mean speed is not far below the
    lane's usual speed of the day. -#}
{%- set days = stale_days_of_readings('hour_start') -%}
{%- set speed_max_kmh = var('plausible_speed_max_kmh') %}

with

{{ threshold('camera_headway_min_s') }} as headway_min_s,

{{ threshold('breakdown_speed_ratio') }} as congested_ratio,

devices as (
    select * from {{ ref('int_device_versions') }}
),

-- Where a station has a camera, it alone speaks for speeds.
cameras as (
    select distinct station_id
    from devices
    where kind = 'speed'
),

camera_readings as (
    select
        devices.station_id as station_id,
        readings.lane as lane,
        readings.vehicle_class as vehicle_class,
        readings.speed_kmh as speed_kmh,
        readings.limit_kmh as limit_kmh,
        readings.observed_at as observed_at,
        readings.inserted_at as inserted_at,
        dateDiff('millisecond', lagInFrame(readings.observed_at) over ahead, readings.observed_at) / 1000 as headway_s

    from {{ ref('stg_speed_readings') }} as readings
    left asof join devices
        on readings.device_id = devices.device_id
            and readings.observed_at >= devices.valid_from
    where {{ within_days('readings.observed_at', days) }}
    window ahead as (
        partition by readings.device_id, readings.lane order by readings.observed_at, readings.seq
        rows between 1 preceding and current row
    )
),

counter_readings as (
    select
        devices.station_id as station_id,
        readings.lane as lane,
        readings.vehicle_class as vehicle_class,
        round((readings.length_m + devices.loop_length_m) * 3600 / readings.covered_ms, 1) as speed_kmh,
        toUInt8(0) as limit_kmh,
        readings.observed_at as observed_at,
        readings.inserted_at as inserted_at,
        coalesce(readings.headway_ms, 0) / 1000 as headway_s

    from {{ ref('stg_counter_readings') }} as readings
    left asof join devices
        on readings.device_id = devices.device_id
            and readings.observed_at >= devices.valid_from
    -- global: on a cluster ClickHouse takes this to the shards, which have no devices
    where {{ within_days('readings.observed_at', days) }}
        and readings.device_id global in (
            select device_id from devices where kind = 'counter' and station_id not in (select station_id from cameras)
        )
),

measured as (
    select * from camera_readings
    union all
    select * from counter_readings
),

compared as (
    select
        *,
        avg(speed_kmh) over (
            partition by station_id, lane, toStartOfFiveMinutes(observed_at)
        ) as bin_speed_kmh,
        avg(speed_kmh) over (partition by station_id, lane, toDate(observed_at)) as day_speed_kmh

    from measured
    where speed_kmh > 0
        and speed_kmh <= {{ speed_max_kmh }}
        and station_id != ''
),

stations as (
    select
        station_id,
        valid_from,
        limit_kmh

    from {{ ref('stg_stations') }}
),

limited as (
    select
        compared.* except (limit_kmh),
        if(compared.limit_kmh > 0, compared.limit_kmh, stations.limit_kmh) as limit_kmh,
        headway_s >= headway_min_s and bin_speed_kmh >= congested_ratio * day_speed_kmh as is_free

    from compared
    left asof join stations
        on compared.station_id = stations.station_id
            and compared.observed_at >= stations.valid_from
),

binned as (
    select
        -- ids
        station_id,
        lane,
        vehicle_class,

        -- numerics
        toUInt16(floor(speed_kmh)) as speed_kmh,
        any(limit_kmh) as limit_kmh,
        count() as vehicle_count,
        countIf(is_free) as free_count,
        countIf(limited.speed_kmh > limited.limit_kmh) as over_limit_count,
        countIf(is_free and limited.speed_kmh > limited.limit_kmh) as free_over_limit_count,

        -- timestamps
        toStartOfHour(observed_at) as hour_start,
        max(inserted_at) as last_inserted_at,
        now('UTC') as computed_at

    from limited
    group by station_id, lane, vehicle_class, speed_kmh, hour_start
)

select * from binned
