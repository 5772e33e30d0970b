{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- The busiest hours of a direction's morning and evening, as times at which
    people set out: at the bottleneck that delays them most, the demand that
    would arrive without a queue, less the way there; without a bottleneck, the
    flow of the busiest station. -#}
{%- set bin_min = var('bin_s') // 60 %}

with

{{ threshold('flexi_time_window_s') }} as window_s,

{{ threshold('entry_distance_share') }} as distance_share,

worst as (
    select
        road,
        direction,
        argMax(link_id, delay_vehicle_h) as link_id

    from (
        select
            road,
            direction,
            link_id,
            sum(delay_vehicle_h) as delay_vehicle_h

        from {{ ref('int_queue_days') }}
        group by road, direction, link_id
        having delay_vehicle_h > 0
    )
    group by road, direction
),

begins as (
    select
        road,
        direction,
        min(offset_m) as begin_offset_m

    from {{ ref('stg_links') }}
    where kind = 'motorway'
    group by road, direction
),

arriving as (
    select
        queues.road as road,
        queues.direction as direction,
        queues.local_date as local_date,
        bin.1 as local_minute,
        bin.2 as demand_pce,
        toInt32(round(
            distance_share * (queues.down_offset_m - begins.begin_offset_m) / 1000 / queues.free_speed_kmh * 60 / {{ bin_min }}
        ) * {{ bin_min }}) as way_min

    from {{ ref('int_queue_days') }} as queues
    inner join worst
        on queues.road = worst.road
            and queues.direction = worst.direction
            and queues.link_id = worst.link_id
    left join begins
        on queues.road = begins.road
            and queues.direction = begins.direction
    array join arrayZip(queues.minutes, queues.arrivals_pce) as bin
),

busiest as (
    select
        road,
        direction,
        argMax(station_id, pce_lane) as station_id

    from (
        select
            road,
            direction,
            station_id,
            sum(pce_count / lane_count) as pce_lane

        from {{ ref('int_station_5m') }}
        where local_date in (select local_date from {{ ref('int_evaluation_days') }} where is_workday)
        group by road, direction, station_id
    )
    where (road, direction) not in (select (road, direction) from worst)
    group by road, direction
),

passing as (
    select
        bins.road as road,
        bins.direction as direction,
        bins.local_date as local_date,
        bins.local_minute as local_minute,
        toFloat64(bins.pce_count) as demand_pce,
        toInt32(0) as way_min

    from {{ ref('int_station_5m') }} as bins
    inner join busiest on bins.station_id = busiest.station_id
    where bins.local_date in (select local_date from {{ ref('int_evaluation_days') }} where is_workday)
),

profiles as (
    select
        road,
        direction,
        toInt32(demands.local_minute) - demands.way_min as setting_out_minute,
        sum(demands.demand_pce) / uniqExact(demands.local_date) as demand_pce,
        any(demands.way_min) as way_min

    from (
        select * from arriving
        union all
        select * from passing
    ) as demands
    group by road, direction, setting_out_minute
),

windows as (
    select
        *,
        sum(demand_pce) over (
            partition by road, direction order by setting_out_minute
            range between current row and {{ (2 * 60) - bin_min }} following
        ) as window_pce,
        if(setting_out_minute < 720, 'am', 'pm') as peak

    from profiles
    where setting_out_minute between 180 and 1439
),

-- From a quarter of an hour on, and within its half of the day.
busy as (
    select
        -- ids
        road,
        direction,
        peak,

        -- numerics
        argMax(setting_out_minute, windows.window_pce) as window_from_minute,
        window_from_minute + intDiv(toInt32(window_s), 60) as window_to_minute,
        any(windows.way_min) as way_min,
        max(windows.window_pce) as window_pce

    from windows
    where setting_out_minute % 15 = 0
        and (peak = 'pm' or setting_out_minute <= 720 - window_s / 60)
        and setting_out_minute <= 1440 - window_s / 60
    group by road, direction, peak
)

select * from busy
