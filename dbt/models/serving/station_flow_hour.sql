{{ config(order_by=['station_id', 'hour_start']) }}

with

hours as (
    select * from {{ ref('int_station_hour') }}
),

derived as (
    select
        -- ids
        station_id,
        link_id,
        road,
        direction,

        -- numerics
        local_date,
        local_hour,
        offset_m,
        lane_count,
        limit_kmh,
        expected_bin_count,
        toUInt8(measured_bin_count) as measured_bin_count,
        toUInt8(speed_bin_count) as speed_bin_count,
        vehicle_count,
        measured_vehicle_count,
        measured_heavy_count,
        measured_pce_count,
        measured_covered_ms,
        speed_count,
        sum_speed_kmh,
        sum_speed_squared_km2_h2,
        sum_pace_h_km,
        toll_count,
        toll_sum_persons,
        toll_single_count,
        person_count,
        persons_source,
        {{ station_ratios() }},

        -- timestamps
        hour_start

    from hours
)

select * from derived
