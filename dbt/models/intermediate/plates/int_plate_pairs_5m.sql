{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by='toDate(bin_start)',
        order_by=['from_station_id', 'to_station_id', 'bin_start'],
        on_schema_change='fail',
        query_settings={
            'join_use_nulls': 0,
            'max_partitions_per_insert_block': 0,
            'max_bytes_before_external_group_by': 268435456,
        },
    )
}}

{#- Outliers by the median absolute deviation of the bin (Clark, Grant-Muller
    and Chen 2002): measured from the bin's own median, so a queue's long
    times are not rejected for being long. -#}
{%- set days = stale_days_of_journey_bins() -%}
{%- set least = plate_limit('spread_min_count') -%}

with

stations as (
    select * from {{ ref('int_plate_stations') }}
),

journeys as (
    select *
    from {{ ref('int_journeys') }}
    where {{ within_days_or_next('last_at', days) }}
        and camera_count > 0
),

-- Each camera with the one before it in the chain; before the first, the one
-- from which it was broken off.
pairs as (
    select
        from_id as from_station_id,
        to_id as to_station_id,
        toStartOfFiveMinutes(toDateTime(to_at, 'UTC')) as bin_start,
        toInt32(toUnixTimestamp64Milli(to_at) - toUnixTimestamp64Milli(from_at)) as travel_ms,
        if(link_no = 1, broken_by, '') as broken_by

    from journeys
    array join
        camera_station_ids as to_id,
        camera_times as to_at,
        arrayPushFront(arrayPopBack(camera_station_ids), broken_after_station_id) as from_id,
        arrayPushFront(arrayPopBack(camera_times), camera_times[1]) as from_at,
        arrayEnumerate(camera_times) as link_no
    where from_id != ''
),

-- Only where to lies downstream of from on the same road.
downstream as (
    select pairs.*
    from pairs
    inner join stations as from_stations
        on pairs.from_station_id = from_stations.station_id
    inner join stations as to_stations
        on pairs.to_station_id = to_stations.station_id
    where from_stations.way_no = to_stations.way_no
        and (from_stations.offset_m < to_stations.offset_m or from_stations.ring_length_m > 0)
        and {{ within_days('pairs.bin_start', days) }}
),

bins as (
    select
        from_station_id,
        to_station_id,
        bin_start,
        arraySort(groupArrayIf(travel_ms, broken_by = '')) as times,
        countIf(broken_by = 'too fast') as too_fast_count,
        countIf(broken_by = 'too slow') as too_slow_count

    from downstream
    group by from_station_id, to_station_id, bin_start
),

-- A bin is judged by its own times where they are enough, else by those of
-- all such bins of the hour, else not at all.
peers as (
    select
        *,
        if(
            length(times) >= {{ least }},
            times,
            arraySort(groupArrayArrayIf(times, length(times) < {{ least }}) over (
                partition by from_station_id, to_station_id, toStartOfHour(bin_start)
            ))
        ) as peers

    from bins
),

medians as (
    select
        * except (peers),
        length(peers) >= {{ least }} as is_judged,
        peers[intDiv(length(peers) + 1, 2)] as median_ms,
        arraySort(arrayMap(t -> abs(t - median_ms), peers))[intDiv(length(peers) + 1, 2)]
        * {{ plate_limit('mad_to_deviation', 10000) }} * {{ plate_limit('spread_factor') }} / 10000 as spread_ms

    from peers
),

judged as (
    select
        *,
        median_ms - greatest(spread_ms, median_ms * {{ plate_limit('spread_below_share', 100) }} / 100) as least_ms,
        median_ms + greatest(spread_ms, median_ms * {{ plate_limit('spread_above_share', 100) }} / 100) as most_ms,
        arrayFilter(t -> not is_judged or t between least_ms and most_ms, times) as kept

    from medians
),

matched as (
    select
        -- ids
        from_station_id,
        to_station_id,

        -- numerics
        toUInt64(length(kept)) as match_count,
        toUInt64(arraySum(kept)) as sum_travel_ms,
        toUInt64(arraySum(t -> toUInt64(t) * t, kept)) as sum_travel_squared_ms2,
        cast(
            arrayReduce('sumMap', arrayMap(t -> [toUInt32(intDiv(t + 500, 1000))], kept), arrayMap(t -> [toUInt64(1)], kept))
            as Map(UInt32, UInt64)
        ) as travel_histogram,
        toUInt64(length(times) - length(kept)) as rejected_count,
        too_fast_count,
        too_slow_count,
        days.next_stamp as next_stamp,

        -- timestamps
        bin_start,
        days.computed_at as computed_at

    from judged
    left join {{ ref('int_journey_days') }} as days
        on toDate(judged.bin_start) = days.day
)

select * from matched
