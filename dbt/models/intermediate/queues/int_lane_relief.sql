{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- How much more may pass a bottleneck that gets a lane before the next place
    holds it, downstream or upstream: lanes there, over the lanes that its share of
    the flow takes here. -#}

with

heads as (
    select distinct
        link_id,
        down_station_id,
        road,
        direction,
        lane_count,
        down_offset_m

    from {{ ref('int_queue_days') }}
),

active as (
    select
        heads.link_id as link_id,
        heads.road as road,
        heads.direction as direction,
        queues.bin_start as bin_start,
        queues.length_m as length_m,
        bins.pce_count as head_pce

    from heads
    inner join {{ ref('int_queue_5m') }} as queues
        on heads.link_id = queues.link_id
            and heads.down_station_id = queues.down_station_id
    inner join {{ ref('int_station_5m') }} as bins
        on heads.down_station_id = bins.station_id
            and queues.bin_start = bins.bin_start
    where queues.is_active
        and bins.count_state = 'measured'
),

-- Flow at each station of the direction while the queue stands, against the
-- flow behind the bottleneck.
stations as (
    select
        active.link_id as link_id,
        bins.station_id as station_id,
        any(bins.link_id) as at_link_id,
        any(bins.offset_m) as offset_m,
        sum(bins.pce_count) / sum(active.head_pce) as flow_share

    from active
    inner join {{ ref('int_station_5m') }} as bins
        on active.road = bins.road
            and active.direction = bins.direction
            and active.bin_start = bins.bin_start
    where bins.count_state = 'measured'
        and bins.station_id in (select station_id from {{ ref('int_mainline_stations') }})
    group by active.link_id, bins.station_id
),

matches as (
    select
        to_station_id,
        any(from_offset_m) as from_offset_m,
        any(to_offset_m) as to_offset_m,
        sum(match_count) / sum(vehicle_count) as match_share

    from {{ ref('int_section_5m') }}
    where is_matched
        and is_counted
    group by to_station_id
),

-- Of those who reach a camera, how many came past the one before: they alone
-- used what lies between an exit and an entry. Where nobody joins, nearly all
-- did, which tells how many plates are read.
through as (
    select
        *,
        least(1, match_share / max(match_share) over ()) as through_share

    from matches
),

lengths as (
    select
        link_id,
        quantile(0.5)(length_m) as queue_length_m

    from active
    group by link_id
),

-- What lies upstream of the queue has shaped its arrivals already; what the
-- queue covers may hold them once it is gone.
links as (
    select
        heads.link_id as link_id,
        heads.lane_count as lane_count,
        links.link_id as other_link_id,
        links.lane_count as other_lane_count,
        links.offset_m as offset_m,
        links.offset_m + links.length_m as end_offset_m,
        heads.road as road,
        heads.direction as direction

    from heads
    inner join {{ ref('int_link_versions') }} as links
        on heads.road = links.road
            and heads.direction = links.direction
    inner join lengths on heads.link_id = lengths.link_id
    where links.offset_m + links.length_m > heads.down_offset_m - lengths.queue_length_m
        and links.kind = 'motorway'
        and links.valid_to > now()
        and links.link_id != heads.link_id
),

-- A link with a station of its own has its flow; one between two cameras what
-- goes through from one to the other; any other the nearest station's.
flows as (
    select
        links.link_id as link_id,
        links.other_link_id as other_link_id,
        any(links.lane_count) as lane_count,
        any(links.other_lane_count) as other_lane_count,
        argMin(
            stations.flow_share * if(
                through.to_station_id != '' and links.offset_m > through.from_offset_m and links.end_offset_m < through.to_offset_m,
                through.through_share,
                1
            ),
            (
                stations.at_link_id != links.other_link_id,
                links.offset_m <= through.from_offset_m or links.end_offset_m >= through.to_offset_m,
                abs(toInt64(stations.offset_m) - toInt64(links.offset_m))
            )
        ) as flow_share

    from links
    inner join stations on links.link_id = stations.link_id
    left join through on stations.station_id = through.to_station_id
    group by links.link_id, links.other_link_id
),

exits as (
    select links.link_id as link_id

    from {{ ref('int_link_versions') }} as links
    inner join {{ ref('int_link_versions') }} as ramps on links.from_node_id = ramps.from_node_id
    where links.kind = 'motorway'
        and ramps.kind = 'ramp'
),

bounds as (
    select
        link_id,
        argMin(other_link_id, other_lane_count / lane_count / greatest(flow_share, 0.05)) as bound_link_id,
        min(other_lane_count / lane_count / greatest(flow_share, 0.05)) as bound_ratio

    from flows
    group by link_id
),

relief as (
    select
        -- ids
        heads.link_id as link_id,
        bounds.bound_link_id as next_link_id,

        -- numerics
        -- where vehicles part and do not merge, nothing of the capacity is lost
        bounds.bound_link_id in (select link_id from exits) as is_exit,
        (heads.lane_count + 1) / heads.lane_count as lane_ratio,
        if(
            bounds.link_id = '', lane_ratio, greatest(1, least(lane_ratio, bounds.bound_ratio))
        ) as capacity_ratio

    from heads
    left join bounds on heads.link_id = bounds.link_id
)

select * from relief
