{{ config(materialized='table', order_by='station_id', query_settings={'join_use_nulls': 0}) }}

with

links as (
    select
        link_id,
        argMax(kind, valid_from) as kind,
        argMax(road, valid_from) as road,
        argMax(direction, valid_from) as direction,
        argMax(from_node_id, valid_from) as from_node_id,
        argMax(to_node_id, valid_from) as to_node_id,
        argMax(offset_m, valid_from) as offset_m

    from {{ ref('int_link_versions') }}
    group by link_id
),

stations as (
    select
        station_id,
        argMax(link_id, valid_from) as link_id,
        argMax(road, valid_from) as road,
        argMax(direction, valid_from) as direction,
        argMax(offset_m, valid_from) as offset_m

    from {{ ref('int_station_versions') }}
    group by station_id
),

-- Where traffic may turn off or come in: a third link, or a zone.
ends as (
    select
        arrayJoin([from_node_id, to_node_id]) as node_id,
        count() as link_count

    from links
    group by node_id
),

joints as (
    select node_id
    from ends
    where link_count = 2
        and node_id not in (select node_id from {{ ref('stg_nodes') }} where is_zone)
),

-- A section begins with each link that does not continue the one before it.
chained as (
    select
        *,
        from_node_id not in (select node_id from joints)
        or from_node_id != lagInFrame(to_node_id) over along as is_first

    from links
    where kind = 'motorway'
    window along as (
        partition by road, direction
        order by offset_m, link_id
        rows between unbounded preceding and current row
    )
),

sections as (
    select
        link_id,
        sum(is_first) over (
            partition by road, direction
            order by offset_m, link_id
            rows between unbounded preceding and current row
        ) as number,
        road,
        direction

    from chained
),

-- A station off the map is a section of its own.
placed as (
    select
        -- ids
        stations.station_id as station_id,
        if(
            sections.link_id = '',
            stations.station_id,
            concat(sections.road, ' ', sections.direction, ' ', toString(sections.number))
        ) as section_id,
        stations.road as road,
        stations.direction as direction,

        -- numerics
        stations.offset_m as offset_m

    from stations
    left join sections
        on stations.link_id = sections.link_id
)

select * from placed
