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
        },
    )
}}

{%- set days = stale_days_of_model(ref('int_station_flow_5m')) -%}
{%- set bins_per_h = 3600 / var('bin_s') %}

with

flow as (
    select *, bin_start + {{ var('bin_s') }} as bin_end
    from {{ ref('int_station_flow_5m') }}
    where station_id != ''
        and counter_count + camera_count > 0
        and {{ within_days('bin_start', days) }}
),

stations as (
    select * from {{ ref('int_station_versions') }}
),

instruments as (
    select
        station_id,
        groupArrayIf((valid_from, valid_to), kind = 'counter') as counter_times,
        groupArrayIf((valid_from, valid_to), kind = 'speed') as camera_times

    from {{ ref('int_device_versions') }}
    group by station_id
),

equipped as (
    select
        flow.station_id as station_id,
        stations.direction as direction,
        flow.lane as lane,
        flow.vehicle_class as vehicle_class,
        arrayExists(
            t -> flow.bin_start < t.2 and flow.bin_end > t.1, instruments.counter_times
        ) as has_counter,
        arrayExists(
            t -> flow.bin_start < t.2 and flow.bin_end > t.1, instruments.camera_times
        ) as has_camera,
        flow.* except (station_id, lane, vehicle_class)

    from flow
    left join instruments
        on flow.station_id = instruments.station_id
    left asof join stations
        on flow.station_id = stations.station_id
            and flow.bin_start >= stations.valid_from
),

-- Which instrument speaks is decided by what stands at the station, not by
-- what reported in a bin: else a bin's speed would change its meaning with
-- every missed vehicle.
chosen as (
    select
        *,
        if(has_camera, 'camera', 'counter') as speed_source,
        if(has_camera, camera_speed_count, counter_speed_count) as speed_count,
        if(has_camera, camera_sum_speed_m_h, counter_sum_speed_m_h) / 1e3 as sum_speed_kmh,
        if(
            has_camera, camera_sum_speed_squared_m2_h2, counter_sum_speed_squared_m2_h2
        ) / 1e6 as sum_speed_squared_km2_h2,
        if(has_camera, camera_sum_pace_us_km, counter_sum_pace_us_km) / 3.6e9 as sum_pace_h_km

    from equipped
),

derived as (
    select
        -- ids
        station_id,
        cast(direction as LowCardinality(String)) as direction,
        lane,
        vehicle_class,
        cast(speed_source as LowCardinality(String)) as speed_source,

        -- numerics
        counter_count as vehicle_count,
        counter_covered_ms as covered_ms,
        speed_count,
        sum_speed_kmh,
        sum_speed_squared_km2_h2,
        sum_pace_h_km,
        if(has_counter, toFloat64(counter_count * {{ bins_per_h }}), null) as flow_veh_h,
        if(speed_count > 0, sum_speed_kmh / speed_count, null) as time_mean_speed_kmh,
        if(speed_count > 0, speed_count / sum_pace_h_km, null) as space_mean_speed_kmh,

        -- timestamps
        bin_start,
        last_inserted_at,
        computed_at

    from chosen
)

select * from derived
