{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- Two neighbouring stations between which a queue may begin, and the link
    that it would begin at: of those between them the one with the fewest lanes,
    and where lanes are equal the last, which has all that merge. -#}

with

neighbours as (
    select
        lagInFrame(station_id) over ahead as up_station_id,
        lagInFrame(offset_m) over ahead as up_offset_m,
        station_id as down_station_id,
        offset_m as down_offset_m,
        link_id as down_link_id,
        lane_count as down_lane_count,
        road,
        direction

    from {{ ref('int_mainline_stations') }}
    window ahead as (
        partition by road, direction order by offset_m
        rows between unbounded preceding and unbounded following
    )
),

links as (
    select
        link_id,
        argMax(road, valid_from) as road,
        argMax(direction, valid_from) as direction,
        argMax(offset_m, valid_from) as offset_m,
        argMax(length_m, valid_from) as length_m,
        argMax(lane_count, valid_from) as lane_count

    from {{ ref('stg_links') }}
    where kind = 'motorway'
    group by link_id
),

-- A link that ends at the upper station, or begins at the lower one, has no
-- road between them.
between as (
    select
        neighbours.down_station_id as down_station_id,
        argMin(links.link_id, (links.lane_count, -toInt64(links.offset_m))) as link_id,
        min(links.lane_count) as lane_count

    from neighbours
    inner join links
        on neighbours.road = links.road
            and neighbours.direction = links.direction
    where links.offset_m < neighbours.down_offset_m
        and links.offset_m + links.length_m > neighbours.up_offset_m
        and neighbours.up_station_id != ''
    group by neighbours.down_station_id
),

pairs as (
    select
        -- ids
        neighbours.up_station_id as up_station_id,
        neighbours.down_station_id as down_station_id,
        neighbours.road as road,
        neighbours.direction as direction,
        -- a network may come without links: the station behind then names the place
        multiIf(
            between.link_id != '', between.link_id,
            neighbours.down_link_id != '', neighbours.down_link_id,
            neighbours.down_station_id
        ) as link_id,

        -- numerics
        neighbours.up_offset_m as up_offset_m,
        neighbours.down_offset_m as down_offset_m,
        if(between.lane_count > 0, between.lane_count, neighbours.down_lane_count) as lane_count

    from neighbours
    left join between on neighbours.down_station_id = between.down_station_id
    where neighbours.up_station_id != ''
        and neighbours.down_offset_m - neighbours.up_offset_m between 1 and {{ threshold('bottleneck_spacing_max_m') }}
)

select * from pairs
