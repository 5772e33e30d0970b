{{
    config(
        materialized='table',
        order_by=['road', 'direction', 'peak', 'shift_percent'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

daily as (
    select
        road,
        direction,
        peak,
        shift_percent,
        local_date,
        sum(saved_vehicle_h) as saved_vehicle_h,
        max(missing_bin_count) > {{ threshold('queue_missing_bins_max') }} as is_missing

    from {{ ref('int_flexi_days') }}
    group by road, direction, peak, shift_percent, local_date
),

curve as (
    select
        -- ids
        road,
        direction,
        peak,

        -- numerics
        shift_percent,
        countIf(not is_missing) as workday_count,
        if(
            workday_count > 0, sumIf(daily.saved_vehicle_h, not is_missing) / workday_count, null
        ) as saved_vehicle_h_per_weekday

    from daily
    group by road, direction, peak, shift_percent
)

select * from curve
