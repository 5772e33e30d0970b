{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- How much more may pass a bottleneck that gets a lane before the next place
    downstream holds it: lanes there, over the lanes that its share of the flow
    takes here. -#}

with

queues as (
    select distinct
        link_id,
        down_station_id,
        road,
        direction,
        lane_count,
        down_offset_m

    from {{ ref('int_queue_days') }}
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

-- Flow at each station downstream while the queue stands, against the flow
-- behind the bottleneck.
flows as (
    select
        queues.link_id as link_id,
        stations.station_id as station_id,
        any(stations.link_id) as at_link_id,
        any(stations.offset_m) as offset_m,
        sum(stations.pce_count) / sum(heads.pce_count) as flow_share

    from queues
    inner join {{ ref('int_queue_5m') }} as active
        on queues.link_id = active.link_id
            and queues.down_station_id = active.down_station_id
    inner join {{ ref('int_station_5m') }} as heads
        on queues.down_station_id = heads.station_id
            and active.bin_start = heads.bin_start
    inner join {{ ref('int_station_5m') }} as stations
        on queues.road = stations.road
            and queues.direction = stations.direction
            and active.bin_start = stations.bin_start
    where stations.offset_m >= queues.down_offset_m
        and stations.count_state = 'measured'
        and heads.count_state = 'measured'
    group by queues.link_id, stations.station_id
),

-- A link without a station of its own has the flow of the nearest one.
downstream as (
    select
        queues.link_id as link_id,
        links.link_id as next_link_id,
        any(queues.lane_count) as lane_count,
        any(links.lane_count) as next_lane_count,
        argMin(
            flows.flow_share,
            (flows.at_link_id != links.link_id, abs(toInt64(flows.offset_m) - toInt64(links.offset_m)))
        ) as flow_share

    from queues
    inner join links
        on queues.road = links.road
            and queues.direction = links.direction
    inner join flows on queues.link_id = flows.link_id
    where links.offset_m >= queues.down_offset_m
        and links.link_id != queues.link_id
    group by queues.link_id, links.link_id
),

relief as (
    select
        -- ids
        queues.link_id as link_id,

        -- numerics
        least(
            (any(queues.lane_count) + 1) / any(queues.lane_count),
            minIf(
                downstream.next_lane_count / greatest(downstream.flow_share, 0.05) / queues.lane_count,
                downstream.next_link_id != ''
            )
        ) as relief_bound,
        countIf(downstream.next_link_id != '') as next_count,
        greatest(
            1, if(next_count = 0, (any(queues.lane_count) + 1) / any(queues.lane_count), relief_bound)
        ) as capacity_ratio,
        argMinIf(
            downstream.next_link_id,
            downstream.next_lane_count / greatest(downstream.flow_share, 0.05),
            downstream.next_link_id != ''
        ) as next_link_id

    from queues
    left join downstream on queues.link_id = downstream.link_id
    group by queues.link_id
)

select
    link_id,
    capacity_ratio,
    next_link_id

from relief
