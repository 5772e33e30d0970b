{{ config(materialized='table', order_by=['station_id'], query_settings={'join_use_nulls': 0}) }}

with

devices as (
    select
        station_id,
        max(kind = 'speed') as has_camera,
        max(kind = 'toll') as has_toll

    from {{ ref('stg_devices') }}
    where kind in ('speed', 'toll')
    group by station_id
),

-- Where a station stands does not change without its being another one: the
-- newest version tells.
stations as (
    select
        station_id,
        argMax(road, valid_from) as road,
        argMax(direction, valid_from) as direction,
        argMax(offset_m, valid_from) as offset_m

    from {{ ref('stg_stations') }}
    group by station_id
),

-- A ring is a way that ends where it begins.
rings as (
    select
        road,
        direction,
        max(offset_m + length_m) as length_m

    from {{ ref('int_link_versions') }}
    where kind = 'motorway'
        and valid_to = toDateTime64('2200-01-01 00:00:00', 6, 'UTC')
    group by road, direction
    having argMin(from_node_id, offset_m) = argMax(to_node_id, offset_m)
),

placed as (
    select
        stations.station_id as station_id,
        stations.road as road,
        stations.direction as direction,
        stations.offset_m as offset_m,
        devices.has_camera as has_camera,
        devices.has_toll as has_toll,
        access.origin_zone as origin_zone,
        access.destination_zone as destination_zone,
        rings.length_m as ring_length_m,
        row_number() over (order by stations.station_id) as station_no,
        dense_rank() over (order by stations.road) as road_no,
        dense_rank() over (order by stations.road, stations.direction) as way_no,
        sum(devices.has_camera) over (
            partition by stations.road, stations.direction
            order by stations.offset_m, stations.station_id
            rows between unbounded preceding and current row
        ) as camera_no

    from stations
    inner join devices
        on stations.station_id = devices.station_id
    left join {{ ref('int_station_access') }} as access
        on stations.station_id = access.station_id
    left join rings
        on stations.road = rings.road
            and stations.direction = rings.direction
),

-- Runs of stations with the same entry upstream, or exit downstream. A ring has
-- one more than zones, for its first and its last may be of the same.
changes as (
    select
        *,
        origin_zone != lagInFrame(origin_zone) over along as is_behind_entry,
        destination_zone != lagInFrame(destination_zone) over along as is_behind_exit

    from placed
    window along as (
        partition by way_no
        order by offset_m, station_id
        rows between unbounded preceding and unbounded following
    )
),

runs as (
    select
        *,
        sum(is_behind_entry) over along as origin_run,
        sum(is_behind_exit) over along as destination_run

    from changes
    window along as (
        partition by way_no
        order by offset_m, station_id
        rows between unbounded preceding and current row
    )
),

-- Cameras between the entry upstream and the station, and between it and the
-- exit downstream: those that share its zone.
numbered as (
    select
        -- ids
        station_id,
        toUInt16(station_no) as station_no,
        road,
        direction,
        toUInt16(road_no) as road_no,
        toUInt16(way_no) as way_no,
        origin_zone,
        destination_zone,

        -- numerics
        offset_m,
        toUInt32(ring_length_m) as ring_length_m,
        has_camera,
        has_toll,
        toUInt16(camera_no) as camera_no,
        toUInt16(minIf(camera_no, has_camera) over (
            partition by way_no, origin_run
        )) as first_camera_no,
        toUInt16(maxIf(camera_no, has_camera) over (
            partition by way_no, destination_run
        )) as last_camera_no

    from runs
)

select * from numbered
