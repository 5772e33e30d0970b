{{
    config(
        materialized='table',
        order_by=['road', 'direction', 'offset_m', 'node_id'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

links as (
    select
        *,
        toInt64(offset_m) as from_offset_m,
        toInt64(offset_m) + length_m as to_offset_m

    from {{ ref('int_link_versions') }}
    where kind = 'motorway'
        and valid_to = toDateTime64('2200-01-01 00:00:00', 6, 'UTC')
),

preceded as (
    select
        *,
        lagInFrame(to_node_id) over (
            partition by road, direction
            order by offset_m, link_id
            rows between unbounded preceding and unbounded following
        ) as previous_node_id

    from links
),

-- Where a link does not begin at the node that the one before it leads to, the
-- road is interrupted: nobody comes along it from before.
numbered as (
    select
        *,
        sum(from_node_id != previous_node_id) over (
            partition by road, direction
            order by offset_m, link_id
        ) as stretch

    from preceded
),

stretches as (
    select
        road,
        direction,
        stretch,
        min(from_offset_m) as stretch_from_m,
        max(to_offset_m) as stretch_to_m,
        argMin(from_node_id, from_offset_m) = argMax(to_node_id, to_offset_m) as is_ring

    from numbered
    group by road, direction, stretch
),

ends as (
    select road, direction, stretch, from_node_id as node_id, from_offset_m as offset_m from numbered
    union distinct
    select road, direction, stretch, to_node_id as node_id, to_offset_m as offset_m from numbered
),

nodes as (
    select
        -- ids
        ends.road as road,
        ends.direction as direction,
        ends.node_id as node_id,

        -- flags
        stretches.is_ring as is_ring,

        -- numerics
        ends.offset_m as offset_m,
        stretches.stretch_from_m as stretch_from_m,
        stretches.stretch_to_m as stretch_to_m

    from ends
    inner join stretches
        on ends.road = stretches.road
            and ends.direction = stretches.direction
            and ends.stretch = stretches.stretch
)

select * from nodes
