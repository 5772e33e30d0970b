{{
    config(
        materialized='table',
        order_by=['station_id', 'local_hour', 'lane', 'vehicle_class'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

hours as (
    select
        station_id,
        lane,
        vehicle_class,
        speed_kmh,
        limit_kmh,
        vehicle_count,
        free_count,
        free_over_limit_count,
        toUInt8(intDiv({{ local_minute('hour_start') }}, 60)) as local_hour

    from {{ ref('int_speed_hour') }}
    where {{ local_date('hour_start') }} in (select local_date from {{ ref('int_evaluation_days') }})
),

speeds as (
    select
        -- ids
        station_id,
        lane,
        vehicle_class,

        -- numerics
        local_hour,
        max(limit_kmh) as limit_kmh,
        sum(vehicle_count) as vehicle_count,
        sum(free_count) as free_count,
        sum(free_over_limit_count) as free_over_limit_count,
        if(free_count > 0, free_over_limit_count / free_count, null) as over_limit_share,
        if(free_count > 0, sum((speed_kmh + 0.5) * hours.free_count) / free_count, null) as mean_speed_kmh,
        if(free_count >= 20, quantileInterpolatedWeighted(0.85)(speed_kmh + 0.5, hours.free_count), null) as v85_kmh,
        -- the error of a quantile is that of its rank, over the density there
        if(
            free_count >= 20,
            1.96 * sqrt(0.85 * 0.15 / free_count) * 10 * (
                quantileInterpolatedWeighted(0.9)(speed_kmh + 0.5, hours.free_count)
                - quantileInterpolatedWeighted(0.8)(speed_kmh + 0.5, hours.free_count)
            ),
            null
        ) as v85_margin_kmh

    from hours
    group by station_id, lane, vehicle_class, local_hour
)

select * from speeds
