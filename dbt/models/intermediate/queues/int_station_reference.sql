{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

with

bins as (
    select
        *,
        speed_count / sum_pace_h_km as speed_kmh,
        {{ is_light_traffic('pce_count', 'lane_count', 'sum_pace_h_km / speed_count') }} as is_light

    from {{ ref('int_station_5m') }}
    where count_state = 'measured'
        and speed_state = 'measured'
        and speed_count >= 5
        and local_date in (select local_date from {{ ref('int_evaluation_days') }})
),

free as (
    select
        station_id,
        quantileIf(0.5)(speed_kmh, is_light) as light_speed_kmh,
        countIf(is_light) as light_bin_count,
        quantile(0.7)(speed_kmh) as any_speed_kmh

    from bins
    group by station_id
),

-- The largest flow of a quarter of an hour, day by day.
quarters as (
    select
        station_id,
        local_date,
        lane_count,
        sum(pce_count) over (
            partition by station_id order by toUnixTimestamp(bin_start)
            range between {{ 2 * var('bin_s') }} preceding and current row
        ) * 4 / lane_count as flow_pce_h_lane

    from bins
),

peaks as (
    select
        station_id,
        local_date,
        max(flow_pce_h_lane) as peak_pce_h_lane

    from quarters
    group by station_id, local_date
),

-- Days with less demand never reach capacity: the upper half does.
capacities as (
    select
        station_id,
        arrayAvg(arraySlice(ranked, 1, toUInt32(ceil(length(ranked) / 2)))) as peak_pce_h_lane

    from (
        select
            station_id,
            arrayReverseSort(groupArray(peak_pce_h_lane)) as ranked

        from peaks
        group by station_id
    )
),

reference as (
    select
        -- ids
        free.station_id as station_id,

        -- numerics
        if(free.light_bin_count >= 12, free.light_speed_kmh, free.any_speed_kmh) as free_speed_kmh,
        free.light_bin_count as light_bin_count,
        capacities.peak_pce_h_lane as peak_pce_h_lane

    from free
    inner join capacities on free.station_id = capacities.station_id
)

select * from reference
