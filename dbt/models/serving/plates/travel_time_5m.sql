{{
    config(
        materialized='table',
        order_by=['from_station_id', 'bin_start'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

pairs as (
    select * from {{ ref('int_camera_pairs') }}
),

matched as (
    select * from {{ ref('int_plate_pairs_5m') }}
),

bins as (
    select * from {{ ref('int_station_5m') }}
),

-- A camera whose clock is off makes travel times of its own.
clocks_off as (
    select distinct
        station_id,
        day

    from {{ ref('device_health') }}
    where kind = 'speed'
        and state = 'clock'
),

-- What spot speeds say: each station between the two cameras, these included,
-- speaks for half of the way to its neighbours.
weighted as (
    select
        pairs.from_station_id as from_station_id,
        stations.station_id as station_id,
        stations.offset_m as offset_m,
        leadInFrame(stations.offset_m, 1, stations.offset_m) over along
        - lagInFrame(stations.offset_m, 1, stations.offset_m) over along as twice_weight_m

    from pairs
    inner join (
        select station_id, any(road) as road, any(direction) as direction, any(offset_m) as offset_m
        from bins
        group by station_id
    ) as stations
        on pairs.road = stations.road
            and pairs.direction = stations.direction
    where stations.offset_m between pairs.from_offset_m and pairs.from_offset_m + pairs.length_m
    window along as (
        partition by pairs.from_station_id
        order by stations.offset_m
        rows between unbounded preceding and unbounded following
    )
),

spot as (
    select
        weighted.from_station_id as from_station_id,
        bins.bin_start as bin_start,
        sum(weighted.twice_weight_m * bins.sum_pace_h_km / bins.speed_count) / sum(weighted.twice_weight_m) as pace_h_km

    from bins
    inner join weighted
        on bins.station_id = weighted.station_id
    where bins.speed_count > 0
    group by from_station_id, bin_start
),

joined as (
    select
        pairs.from_station_id as from_station_id,
        pairs.to_station_id as to_station_id,
        pairs.road as road,
        pairs.direction as direction,
        pairs.from_offset_m as from_offset_m,
        pairs.length_m as length_m,
        bins.bin_start as bin_start,
        bins.local_date as local_date,
        bins.local_minute as local_minute,
        bins.count_state = 'measured' as is_counted,
        if(is_counted, bins.vehicle_count, 0) as vehicle_count,
        here.station_id != '' or there.station_id != '' as is_clock_off,
        if(is_clock_off, 0, matched.match_count) as match_count,
        matched.rejected_count + if(is_clock_off, matched.match_count, 0) as rejected_count,
        if(is_clock_off, 0, matched.sum_travel_ms) as sum_travel_ms,
        if(is_clock_off, map(), matched.travel_histogram) as travel_histogram,
        spot.pace_h_km as pace_h_km

    from pairs
    inner join bins
        on pairs.to_station_id = bins.station_id
    left join matched
        on pairs.from_station_id = matched.from_station_id
            and pairs.to_station_id = matched.to_station_id
            and bins.bin_start = matched.bin_start
    left join spot
        on pairs.from_station_id = spot.from_station_id
            and bins.bin_start = spot.bin_start
    left join clocks_off as here
        on pairs.from_station_id = here.station_id
            and toDate(bins.bin_start) = here.day
    left join clocks_off as there
        on pairs.to_station_id = there.station_id
            and toDate(bins.bin_start) = there.day
),

derived as (
    select
        -- ids
        from_station_id,
        to_station_id,
        cast(road as LowCardinality(String)) as road,
        cast(direction as LowCardinality(String)) as direction,

        -- numerics
        local_date,
        local_minute,
        from_offset_m,
        length_m,
        vehicle_count,
        match_count,
        rejected_count,
        sum_travel_ms,
        travel_histogram,
        toBool(is_clock_off) as is_clock_off,
        if(vehicle_count > 0, match_count / vehicle_count, null) as match_rate,
        if(match_count > 0, sum_travel_ms / match_count / 1000, null) as mean_travel_s,
        {{ histogram_percentile('travel_histogram', 0.5) }} as p50_travel_s,
        {{ histogram_percentile('travel_histogram', 0.8) }} as p80_travel_s,
        {{ histogram_percentile('travel_histogram', 0.95) }} as p95_travel_s,
        if(match_count > 0, length_m * match_count * 3600 / sum_travel_ms, null) as speed_kmh,
        if(pace_h_km > 0, length_m * pace_h_km * 3.6, null) as spot_travel_s,
        if(pace_h_km > 0, 1 / pace_h_km, null) as spot_speed_kmh,

        -- timestamps
        bin_start

    from joined
)

select * from derived
