{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by='toDate(last_at)',
        order_by=['plate_token', 'first_at'],
        on_schema_change='fail',
        query_settings={
            'join_use_nulls': 0,
            'max_partitions_per_insert_block': 0,
            'max_bytes_before_external_group_by': 268435456,
        },
    )
}}

{%- set days = stale_days_of_journeys() -%}
{%- set apart = 'toIntervalMillisecond(' ~ plate_limit('toll_camera_apart_max_ms') ~ ')' -%}

{#- Columns of the stations as constant arrays, by station_no. -#}
{%- set network -%}
    (
        select cast(
            (groupArray(road_no), groupArray(way_no), groupArray(offset_m), groupArray(ring_length_m))
            as Tuple(road Array(UInt16), way Array(UInt16), offset_m Array(Int32), ring_m Array(Int32))
        )
        from (select * from {{ ref('int_plate_stations') }} order by station_no)
    )
{%- endset -%}
{%- set classes = "['car', 'van', 'truck', 'bus', 'motorcycle', 'other']" %}

with

stations as (
    select * from {{ ref('int_plate_stations') }}
),

-- Cameras that may see what a toll gantry sees.
toll_cameras as (
    select *
    from {{ ref('int_sightings') }}
    where instrument = 'camera'
        and station_id in (select station_id from stations where has_toll)
        and {{ matters_to_journeys('observed_at', days) }}
),

-- The token of a tag never meets that of a plate. But a camera of the station
-- that saw a vehicle in the same lane at the same moment saw the same one.
tolls as (
    select
        seen.station_id as station_id,
        seen.vehicle_class as vehicle_class,
        seen.persons as persons,
        seen.observed_at as observed_at,
        cameras.observed_at >= seen.observed_at - {{ apart }} as has_plate,
        if(has_plate, cameras.plate_token, seen.plate_token) as plate_token,
        if(has_plate, cameras.plate_key_id, seen.plate_key_id) as plate_key_id

    from {{ ref('int_sightings') }} as seen
    left asof join toll_cameras as cameras
        on seen.station_id = cameras.station_id
            and seen.lane = cameras.lane
            and seen.observed_at + {{ apart }} >= cameras.observed_at
    where seen.instrument = 'toll'
        and {{ matters_to_journeys('seen.observed_at', days) }}
),

sightings as (
    select plate_token, plate_key_id, station_id, vehicle_class, persons, observed_at, toUInt64(1) as is_camera
    from {{ ref('int_sightings') }}
    where instrument = 'camera'
        and {{ matters_to_journeys('observed_at', days) }}
    union all
    select plate_token, plate_key_id, station_id, vehicle_class, persons, observed_at, toUInt64(0) as is_camera
    from tolls
),

-- A sighting in one number, which sorts by time; tuples cost four times that.
-- Tokens of two keys are never equal.
tokens as (
    select
        sightings.plate_token as plate_token,
        min(sightings.plate_key_id) as plate_key_id,
        arraySort(groupArray(
            bitShiftLeft(toUInt128(toUnixTimestamp64Micro(sightings.observed_at)), 64)
            + bitShiftLeft(toUInt64(stations.station_no), 32)
            + sightings.is_camera * 65536
            + indexOf({{ classes }}, toString(sightings.vehicle_class)) * 256
            + sightings.persons
        )) as packed

    from sightings
    inner join stations
        on sightings.station_id = stations.station_id
    group by plate_token
),

unpacked as (
    with {{ network }} as n

    select
        plate_token,
        plate_key_id,
        arrayMap(
            x -> cast(
                (
                    bitShiftRight(x, 64), bitShiftRight(toUInt64(x), 32) as no,
                    n.road[no], n.way[no], n.offset_m[no], n.ring_m[no],
                    bitTest(toUInt32(x), 16), bitShiftRight(toUInt16(x), 8), toUInt8(x)
                ) as Tuple(
                    at_us Int64, station_no UInt16, road_no UInt16, way_no UInt16, offset_m Int32, ring_length_m Int32,
                    is_camera UInt8, class_no UInt8, persons UInt8
                )
            ),
            packed
        ) as seen

    from tokens
),

chained as (
    select
        plate_token,
        plate_key_id,
        seen,
        arrayPushFront(arrayPopBack(seen), seen[1]) as before,
        arrayMap(
            (c, p, i) -> if(i = 1, 1, {{ journey_break('c', 'p') }}), seen, before, arrayEnumerate(seen)
        ) as breaks,
        arrayMap((b, p) -> if(b > 1, p.station_no, 0), breaks, before) as before_nos

    from unpacked
),

chains as (
    select
        plate_token,
        plate_key_id,
        arrayJoin(arraySplit((x, b) -> b > 0, arrayZip(seen, breaks, before_nos), breaks)) as chain

    from chained
),

-- A journey that ends on a day reaches back into the day before only so far:
-- an increment does not look further either.
cut as (
    select
        plate_token,
        plate_key_id,
        toDate(fromUnixTimestamp64Micro(chain[-1].1.at_us, 'UTC')) as day,
        arrayFilter(
            x -> x.1.at_us >= (toUnixTimestamp(toDateTime(day, 'UTC')) - {{ plate_limit('journey_max_s') }}) * 1000000,
            chain
        ) as links

    from chains
    where {{ within_days('fromUnixTimestamp64Micro(chain[-1].1.at_us, \'UTC\')', days) }}
),

-- A camera that tells twice of one passage saw it once. The class is that
-- which most sightings say.
parts as (
    select
        plate_token,
        plate_key_id,
        links[1].2 as break_no,
        links[1].3 as before_no,
        links.1 as seen,
        arrayFilter(x -> x.is_camera = 1, seen) as twice,
        arrayFilter(
            (c, i) -> i = 1 or c.station_no != twice[i - 1].station_no, twice, arrayEnumerate(twice)
        ) as cameras,
        arrayFilter(x -> x.is_camera = 0, seen) as tolls,
        arrayMap(n -> countEqual(seen.class_no, n), [1, 2, 3, 4, 5, 6]) as votes

    from cut
),

journeys as (
    with (select groupArray(station_id) from (select station_id from stations order by station_no)) as ids

    select
        -- ids
        parts.plate_token as plate_token,
        parts.plate_key_id as plate_key_id,
        first.station_id as first_station_id,
        last.station_id as last_station_id,
        first.origin_zone as origin_zone,
        last.destination_zone as destination_zone,
        cast({{ classes }}[indexOf(votes, arrayMax(votes))] as LowCardinality(String)) as vehicle_class,
        cast(arrayMap(c -> ids[c.station_no], cameras) as Array(LowCardinality(String))) as camera_station_ids,
        cast(['', '', 'too slow', 'too fast'][break_no + 1] as LowCardinality(String)) as broken_by,
        cast(if(before_no = 0, '', ids[before_no]) as LowCardinality(String)) as broken_after_station_id,

        -- numerics
        toUInt16(length(cameras)) as camera_count,
        toUInt16(length(tolls)) as toll_count,
        tolls[1].persons as persons,
        if(
            toDate(first_at) = toDate(last_at),
            0,
            cityHash64(parts.plate_token, first_at, last_at, camera_times, camera_station_ids, persons)
        ) as overnight_stamp,
        {{ journeys_stamp() }} as inputs_stamp,

        -- timestamps
        arrayMap(c -> fromUnixTimestamp64Milli(intDiv(c.at_us, 1000), 'UTC'), cameras) as camera_times,
        fromUnixTimestamp64Micro(seen[1].at_us, 'UTC') as first_at,
        fromUnixTimestamp64Micro(seen[-1].at_us, 'UTC') as last_at,
        now('UTC') as computed_at

    from parts
    inner join stations as first
        on seen[1].station_no = first.station_no
    inner join stations as last
        on seen[-1].station_no = last.station_no
)

select * from journeys
