{{
    config(
        materialized='table',
        order_by=['road', 'direction', 'is_entry', 'offset_m', 'zone_id'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

nodes as (
    select * from {{ ref('int_road_nodes') }}
),

zones as (
    select node_id as zone_id

    from {{ ref('stg_nodes') }}
    group by node_id
    having argMax(is_zone, valid_from)
),

ramps as (
    select * from {{ ref('int_link_versions') }}
    where kind = 'ramp'
        and valid_to = toDateTime64('2200-01-01 00:00:00', 6, 'UTC')
),

-- A way in and a way out at each zone that the road leads to itself, a way in
-- where a ramp comes from a zone, a way out where one leads to a zone. Ramps
-- between roads are none: whoever takes one has entered already.
doors as (
    select zone_id, zone_id as node_id, arrayJoin([true, false]) as is_entry from zones
    union distinct
    select from_node_id as zone_id, to_node_id as node_id, true as is_entry from ramps
    where from_node_id in (select zone_id from zones)
    union distinct
    select to_node_id as zone_id, from_node_id as node_id, false as is_entry from ramps
    where to_node_id in (select zone_id from zones)
),

-- Round a ring one looks beyond the place where its metres begin.
accesses as (
    select
        -- ids
        nodes.road as road,
        nodes.direction as direction,
        doors.zone_id as zone_id,

        -- flags
        doors.is_entry as is_entry,

        -- numerics
        nodes.offset_m
        + arrayJoin(if(nodes.is_ring, [0, nodes.stretch_to_m - nodes.stretch_from_m], [0]))
        * if(doors.is_entry, -1, 1) as offset_m,
        nodes.stretch_from_m as stretch_from_m,
        nodes.stretch_to_m as stretch_to_m

    from doors
    inner join nodes on doors.node_id = nodes.node_id
)

select distinct * from accesses
