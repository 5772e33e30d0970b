{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- Whoever passes the last camera before several exits in a row counts as bound
    for the first of them. Counters between the exits say how many went on; and in
    the same way against the traffic for entries. Exits that nothing counts behind
    are left as they are. -#}

with

-- Against the traffic, entries look as exits do along it.
accesses as (
    select distinct
        road,
        direction,
        zone_id,
        is_entry,
        if(is_entry, -offset_m, offset_m) as way_m

    from {{ ref('int_road_accesses') }}
    where offset_m between stretch_from_m and stretch_to_m
),

counted as (
    select
        station_id,
        sum(vehicle_count) / count() as vehicle_count

    from {{ ref('int_station_5m') }}
    where count_state = 'measured'
        and local_date in (select local_date from {{ ref('int_evaluation_days') }} where is_workday)
    group by station_id
),

cameras as (
    select station_id
    from {{ ref('int_device_versions') }}
    where kind = 'speed'
),

stations as (
    select
        mainline.road as road,
        mainline.direction as direction,
        arrayJoin([true, false]) as is_entry,
        toInt64(mainline.offset_m) * if(is_entry, -1, 1) as way_m,
        mainline.station_id in (select station_id from cameras) as has_camera,
        counted.vehicle_count as vehicle_count

    from {{ ref('int_mainline_stations') }} as mainline
    left join counted on mainline.station_id = counted.station_id
),

placed as (
    select
        accesses.road as road,
        accesses.direction as direction,
        accesses.is_entry as is_entry,
        accesses.zone_id as zone_id,
        accesses.way_m as way_m,
        countIf(stations.has_camera and stations.way_m < accesses.way_m) as camera_count,
        argMaxIf(stations.vehicle_count, stations.way_m, stations.way_m < accesses.way_m) as before_count,
        argMinIf(
            (stations.way_m, stations.vehicle_count), stations.way_m, stations.way_m > accesses.way_m and stations.vehicle_count > 0
        ) as after

    from accesses
    inner join stations
        on accesses.road = stations.road
            and accesses.direction = stations.direction
            and accesses.is_entry = stations.is_entry
    group by all
),

-- Exits behind the same camera, in their order.
ordered as (
    select
        *,
        row_number() over along as place,
        leadInFrame(way_m, 1, way_m) over along as next_way_m,
        first_value(zone_id) over along as first_zone,
        first_value(before_count) over along as before_first_count,
        -- the last has nobody go on
        if(
            next_way_m > way_m and after.2 > 0 and after.1 < next_way_m,
            least(1, after.2 / before_first_count),
            0
        ) as went_on_share

    from placed
    where before_count > 0
        and camera_count > 0
    window along as (
        partition by road, direction, is_entry, camera_count
        order by way_m
        rows between unbounded preceding and unbounded following
    )
),

shared as (
    select
        *,
        min(went_on_share) over so_far as left_share,
        if(place = 1, 1, min(went_on_share) over before) as came_share

    from ordered
    window
        so_far as (
            partition by road, direction, is_entry, camera_count
            order by way_m
            rows between unbounded preceding and current row
        ),
        before as (
            partition by road, direction, is_entry, camera_count
            order by way_m
            rows between unbounded preceding and 1 preceding
        )
),

-- A zone that several roads lead to is read from none of them.
splits as (
    select
        -- ids
        first_zone as seen_zone,
        zone_id,

        -- flags
        is_entry,

        -- numerics
        came_share - left_share as share,
        uniqExact((road, direction, camera_count)) over (partition by is_entry, first_zone) as road_count

    from shared
)

select seen_zone, zone_id, is_entry, share from splits
where road_count = 1
    and share > 0
    and share < 1
