{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- Which share of the vehicles behind a bottleneck are cars between two zones,
    by half hour of the workday, read at the nearest camera. -#}

with

queues as (
    select distinct
        link_id,
        down_station_id,
        road,
        direction,
        down_offset_m

    from {{ ref('int_queue_days') }}
),

stations as (
    select
        station_id,
        any(road) as road,
        any(direction) as direction,
        any(offset_m) as offset_m

    from {{ ref('int_station_5m') }}
    where station_id in (select station_id from {{ ref('int_od_flow_5m') }})
    group by station_id
),

-- Downstream first: nobody joins between a bottleneck and the camera behind it
-- that did not queue.
nearest as (
    select
        queues.link_id as link_id,
        argMin(
            stations.station_id,
            abs(toInt64(stations.offset_m) - toInt64(queues.down_offset_m))
            + if(stations.offset_m < queues.down_offset_m, 2000, 0)
        ) as station_id

    from queues
    inner join stations
        on queues.road = stations.road
            and queues.direction = stations.direction
    group by queues.link_id
),

local as (
    select
        station_id,
        bin_start,
        toUInt8(intDiv(local_minute, 30)) as half_hour

    from {{ ref('int_station_5m') }}
    where local_date in (select local_date from {{ ref('int_evaluation_days') }} where is_workday)
),

seen as (
    select
        nearest.link_id as link_id,
        flow.origin_zone as origin_zone,
        flow.destination_zone as destination_zone,
        local.half_hour as half_hour,
        sum(flow.car_count) as car_count,
        sum(flow.vehicle_count) as vehicle_count

    from {{ ref('int_od_flow_5m') }} as flow
    inner join nearest on flow.station_id = nearest.station_id
    inner join local
        on flow.station_id = local.station_id
            and flow.bin_start = local.bin_start
    group by nearest.link_id, flow.origin_zone, flow.destination_zone, local.half_hour
),

flows as ({{ split_zones('seen', ['link_id', 'half_hour'], ['car_count', 'vehicle_count']) }}),

shares as (
    select
        -- ids
        link_id,
        origin_zone,
        destination_zone,

        -- numerics
        half_hour,
        car_count,
        car_count / sum(vehicle_count) over (partition by link_id, half_hour) as car_share

    from flows
)

select * from shares
