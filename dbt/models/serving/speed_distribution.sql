{{
    config(
        materialized='table',
        order_by=['station_id', 'lane', 'vehicle_class', 'speed_kmh'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

speeds as (
    select
        -- ids
        station_id,
        lane,
        vehicle_class,

        -- numerics
        speed_kmh,
        sum(hours.vehicle_count) as vehicle_count,
        sum(hours.free_count) as free_count,
        sum(hours.free_over_limit_count) as free_over_limit_count

    from {{ ref('int_speed_hour') }} as hours
    where {{ local_date('hour_start') }} in (select local_date from {{ ref('int_evaluation_days') }})
    group by station_id, lane, vehicle_class, speed_kmh
)

select * from speeds
