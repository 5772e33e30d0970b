{{
    config(
        materialized='table',
        order_by=['station_id'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

{{ threshold('capacity_default_pce_h_lane') }} as default_pce_h_lane,

-- Behind a bottleneck that broke down, the largest flow was its capacity.
proven as (
    select
        down_station_id as station_id,
        max(capacity_pce_bin) * 3600 / {{ var('bin_s') }} / any(lane_count) as capacity_pce_h_lane,
        max(discharge_pce_bin) * 3600 / {{ var('bin_s') }} / any(lane_count) as discharge_pce_h_lane,
        countIf(active_bin_count > 0) as day_count

    from {{ ref('int_queue_days') }}
    group by down_station_id
    having day_count >= {{ threshold('evaluation_workdays_min') }}
),

capacities as (
    select
        -- ids
        reference.station_id as station_id,

        -- numerics
        reference.free_speed_kmh as free_speed_kmh,
        reference.peak_pce_h_lane as peak_pce_h_lane,
        toBool(proven.station_id != '') as is_fitted,
        if(is_fitted, proven.capacity_pce_h_lane, greatest(default_pce_h_lane, peak_pce_h_lane)) as capacity_pce_h_lane,
        if(is_fitted, 1 - proven.discharge_pce_h_lane / proven.capacity_pce_h_lane, null) as capacity_drop_share

    from {{ ref('int_station_reference') }} as reference
    left join proven on reference.station_id = proven.station_id
)

select * from capacities
