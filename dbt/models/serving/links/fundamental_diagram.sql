{{
    config(
        materialized='table',
        order_by=['station_id', 'lane', 'density_bin'],
        query_settings={'join_use_nulls': 0},
    )
}}

{%- set bins_per_h = 3600 / var('bin_s') %}

with

equivalents as (
    select * from {{ ref('passenger_car_equivalents') }}
),

healthy as (
    select
        station_id,
        bin_start,
        speed_source

    from {{ ref('int_station_5m') }}
    where local_date in (select local_date from {{ ref('int_evaluation_days') }})
        and count_state = 'measured'
        and speed_state = 'measured'
),

lanes as (
    select
        flow.station_id as station_id,
        flow.lane as lane,
        flow.bin_start as bin_start,
        sum(flow.counter_count) as vehicle_count,
        sum(flow.counter_count * equivalents.equivalent) as pce_count,
        sum(if(healthy.speed_source = 'camera', flow.camera_speed_count, flow.counter_speed_count)) as speed_count,
        sum(if(healthy.speed_source = 'camera', flow.camera_sum_pace_us_km, flow.counter_sum_pace_us_km)) / 3.6e9 as sum_pace_h_km

    from {{ ref('int_station_flow_5m') }} as flow
    inner join healthy
        on flow.station_id = healthy.station_id
            and flow.bin_start = healthy.bin_start
    left join equivalents on flow.vehicle_class = equivalents.vehicle_class
    group by flow.station_id, flow.lane, flow.bin_start
    having vehicle_count > 0
        and speed_count > 0
),

points as (
    select
        *,
        vehicle_count * {{ bins_per_h }} as flow_veh_h,
        pce_count * {{ bins_per_h }} as flow_pce_h,
        speed_count / sum_pace_h_km as speed_kmh,
        flow_veh_h / speed_kmh as density_est_veh_km

    from lanes
),

binned as (
    select
        -- ids
        station_id,
        lane,

        -- numerics
        toUInt16(least(floor(density_est_veh_km / 2) * 2, 200)) as density_bin,
        count() as bin_count,
        avg(points.flow_veh_h) as mean_flow_veh_h,
        avg(points.flow_pce_h) as mean_flow_pce_h,
        max(points.flow_pce_h) as max_flow_pce_h,
        sum(points.speed_count) / sum(points.sum_pace_h_km) as speed_kmh

    from points
    group by station_id, lane, density_bin
)

select * from binned
