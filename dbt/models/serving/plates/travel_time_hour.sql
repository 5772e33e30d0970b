{{
    config(
        materialized='table',
        order_by=['from_station_id', 'local_date', 'local_hour'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

bins as (
    select * from {{ ref('travel_time_5m') }}
),

-- Parts are added up; means and percentiles are derived anew.
summed as (
    select
        from_station_id,
        to_station_id,
        road,
        direction,
        local_date,
        toUInt8(intDiv(local_minute, 60)) as local_hour,
        any(bins.from_offset_m) as from_offset_m,
        any(bins.length_m) as length_m,
        sum(bins.vehicle_count) as vehicle_count,
        sum(bins.match_count) as match_count,
        sum(bins.rejected_count) as rejected_count,
        sum(bins.sum_travel_ms) as sum_travel_ms,
        sumMap(bins.travel_histogram) as travel_histogram

    from bins
    group by from_station_id, to_station_id, road, direction, local_date, local_hour
),

derived as (
    select
        -- ids
        from_station_id,
        to_station_id,
        road,
        direction,

        -- numerics
        local_date,
        local_hour,
        from_offset_m,
        length_m,
        vehicle_count,
        match_count,
        rejected_count,
        sum_travel_ms,
        travel_histogram,
        if(vehicle_count > 0, match_count / vehicle_count, null) as match_rate,
        if(match_count > 0, sum_travel_ms / match_count / 1000, null) as mean_travel_s,
        {{ histogram_percentile('travel_histogram', 0.5) }} as p50_travel_s,
        {{ histogram_percentile('travel_histogram', 0.8) }} as p80_travel_s,
        {{ histogram_percentile('travel_histogram', 0.95) }} as p95_travel_s,
        if(match_count > 0, length_m * match_count * 3600 / sum_travel_ms, null) as speed_kmh

    from summed
)

select * from derived
