{{
    config(
        materialized='table',
        order_by=['station_id'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

stations as (
    select * from {{ ref('int_station_versions') }}
    where valid_to = toDateTime64('2200-01-01 00:00:00', 6, 'UTC')
),

ramps as (
    select
        link_id,
        arrayJoin([true, false]) as is_entry,
        if(is_entry, [from_node_id, to_node_id], [to_node_id, from_node_id]) as node_ids

    from {{ ref('int_link_versions') }}
    where kind = 'ramp'
        and valid_to = toDateTime64('2200-01-01 00:00:00', 6, 'UTC')
),

nodes as (
    select
        node_id,
        min((road, direction, offset_m)) as place

    from {{ ref('int_road_nodes') }}
    group by node_id
),

-- Beside a ramp, upstream is seen from where the ramp begins and downstream
-- from where it ends, be it on another road; from its other end where that is
-- no place on a road.
places as (
    select
        stations.station_id as station_id,
        sides.is_entry as is_entry,
        multiIf(
            ramps.link_id = '', (stations.road, stations.direction, toInt64(stations.offset_m)),
            own_end.node_id != '', own_end.place,
            other_end.place
        ) as place

    from stations
    cross join (select arrayJoin([true, false]) as is_entry) as sides
    left join ramps on stations.link_id = ramps.link_id and sides.is_entry = ramps.is_entry
    left join nodes as own_end on ramps.node_ids[1] = own_end.node_id
    left join nodes as other_end on ramps.node_ids[2] = other_end.node_id
),

reachable as (
    select
        places.station_id as station_id,
        accesses.zone_id as zone_id,
        places.is_entry as is_entry,
        places.place.3 between
        if(is_entry, accesses.offset_m, accesses.stretch_from_m)
        and if(is_entry, accesses.stretch_to_m, accesses.offset_m) as is_reachable,
        abs(places.place.3 - accesses.offset_m) as distance_m

    from places
    left join {{ ref('int_road_accesses') }} as accesses
        on places.place.1 = accesses.road
            and places.place.2 = accesses.direction
            and places.is_entry = accesses.is_entry
),

access as (
    select
        -- ids
        station_id,
        argMinIf(zone_id, (distance_m, zone_id), is_reachable and is_entry) as origin_zone,
        argMinIf(zone_id, (distance_m, zone_id), is_reachable and not is_entry) as destination_zone

    from reachable
    group by station_id
)

select * from access
