{{
    config(
        materialized='table',
        order_by=['station_id', 'bin_start'],
    )
}}

with

bins as (
    select
        -- ids
        station_id,
        link_id,
        road,
        direction,

        -- numerics
        local_date,
        local_minute,
        offset_m,
        lane_count,
        limit_kmh,
        vehicle_count,
        heavy_count,
        pce_count,
        covered_ms,
        speed_count,
        sum_speed_kmh,
        sum_pace_h_km,
        toll_count,
        toll_sum_persons,
        count_state,
        speed_state,
        speed_source,
        toll_state,

        -- timestamps
        bin_start

    from {{ ref('int_station_5m') }}
)

select * from bins
