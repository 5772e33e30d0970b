{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

with

ratios as (
    select
        bins.station_id as station_id,
        bins.local_date as local_date,
        bins.bin_start as bin_start,
        bins.speed_count / bins.sum_pace_h_km / reference.free_speed_kmh as speed_ratio

    from {{ ref('int_station_5m') }} as bins
    inner join {{ ref('int_station_reference') }} as reference on bins.station_id = reference.station_id
    where bins.speed_state = 'measured'
        and bins.speed_count > 0
),

-- Stretches that stand full of vehicles waiting for something further on.
filled as (
    select
        from_station_id as station_id,
        bin_start

    from {{ ref('int_section_5m') }}
    where has_delay
        and travel_h - delay_h <= travel_h * {{ threshold('filled_speed_ratio_max') }}
),

-- Stretches with a queue in them, whether or not it reaches a station.
queued as (
    select
        from_station_id,
        to_station_id,
        bin_start

    from {{ ref('int_section_5m') }}
    where is_matched
        and travel_h - delay_h <= travel_h * {{ threshold('queued_speed_ratio_max') }}
),

signs as (
    select
        pairs.*,
        down.local_date as local_date,
        down.bin_start as bin_start,
        up.speed_ratio as up_speed_ratio,
        down.speed_ratio as down_speed_ratio,
        (
            up.speed_ratio <= {{ threshold('breakdown_speed_ratio') }}
            and down.speed_ratio - up.speed_ratio >= {{ threshold('bottleneck_ratio_drop') }}
            or (pairs.up_station_id, pairs.down_station_id, down.bin_start) in (
                select from_station_id, to_station_id, bin_start from queued
            )
        )
        -- where it is slow behind as well, the queue of another place stands here
        and down.speed_ratio >= {{ threshold('bottleneck_down_ratio_min') }}
        and (pairs.down_station_id, down.bin_start) not in (select station_id, bin_start from filled) as has_sign

    from {{ ref('int_bottleneck_pairs') }} as pairs
    inner join ratios as down on pairs.down_station_id = down.station_id
    inner join ratios as up
        on pairs.up_station_id = up.station_id
            and down.bin_start = up.bin_start
),

-- The window is one of time, seven bins long (Chen, Skabardonis, Varaiya 2004):
-- bins that are not there are not skipped. ClickHouse wants it as a literal.
persistent as (
    select
        *,
        sum(has_sign) over (
            partition by down_station_id
            order by toUnixTimestamp(bin_start)
            range between 900 preceding and 900 following
        ) as sign_count

    from signs
),

-- A queue is there before its sign has persisted, for as long as it takes to
-- reach the station, and dissolves after it.
near as (
    select
        *,
        sign_count >= {{ threshold('bottleneck_window_bins') }} as is_active,
        max(is_active) over (
            partition by down_station_id
            order by toUnixTimestamp(bin_start)
            range between 5400 preceding and 5400 following
        ) as is_near

    from persistent
),

active as (
    select
        -- ids
        up_station_id,
        down_station_id,
        road,
        direction,
        link_id,

        -- numerics
        up_offset_m,
        down_offset_m,
        lane_count,
        is_active,
        up_speed_ratio,
        down_speed_ratio,

        -- timestamps
        local_date,
        bin_start

    from near
    where is_near
)

select * from active
