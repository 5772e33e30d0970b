{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- Toll gantries alone see persons: elsewhere the direction's gantries speak, and
    where it has none all of the network's. -#}

with

{{ threshold('persons_per_vehicle_default') }} as default_persons,

stations as (
    select
        station_id,
        local_date,
        bin_start,
        road,
        direction,
        intDiv(local_minute, 60) as local_hour

    from {{ ref('int_station_5m') }}
    where local_date in (select local_date from {{ ref('int_evaluation_days') }} where is_workday)
),

hours as (
    select
        stations.road as road,
        stations.direction as direction,
        stations.local_hour as local_hour,
        sum(flow.toll_sum_persons) as persons,
        sum(flow.toll_count) as vehicles,
        sumIf(flow.toll_sum_persons, flow.vehicle_class = 'car') as car_persons,
        sumIf(flow.toll_count, flow.vehicle_class = 'car') as cars

    from {{ ref('int_station_flow_5m') }} as flow
    inner join stations
        on flow.station_id = stations.station_id
            and flow.bin_start = stations.bin_start
    group by road, direction, local_hour
),

-- Each direction has all hours, measured there or not.
directions as (
    select distinct
        road,
        direction,
        local_hour

    from stations
),

network as (
    select
        local_hour,
        sum(persons) / sum(vehicles) as persons_per_vehicle,
        sum(car_persons) / sum(cars) as persons_per_car

    from hours
    group by local_hour
    having sum(cars) >= 30
),

persons as (
    select
        -- ids
        directions.road as road,
        directions.direction as direction,
        toUInt8(directions.local_hour) as local_hour,

        -- numerics
        hours.cars >= 30 as is_measured,
        multiIf(
            is_measured, hours.persons / hours.vehicles,
            network.persons_per_vehicle > 0, network.persons_per_vehicle,
            default_persons
        ) as persons_per_vehicle,
        multiIf(
            is_measured, hours.car_persons / hours.cars,
            network.persons_per_car > 0, network.persons_per_car,
            default_persons
        ) as persons_per_car

    from directions
    left join hours
        on directions.road = hours.road
            and directions.direction = hours.direction
            and directions.local_hour = hours.local_hour
    left join network on directions.local_hour = network.local_hour
)

select * from persons
