{{
    config(
        materialized='table',
        order_by=['local_date', 'link_id'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

persons as (
    select * from {{ ref('int_persons_per_vehicle') }}
),

local as (
    select distinct
        bin_start,
        local_minute

    from {{ ref('int_station_5m') }}
),

queues as (
    select
        queues.link_id as link_id,
        queues.down_station_id as down_station_id,
        queues.road as road,
        queues.direction as direction,
        queues.excess_pce as excess_pce,
        queues.delay_vehicle_h as delay_vehicle_h,
        queues.is_active as is_active,
        queues.is_measured as is_measured,
        queues.length_m as length_m,
        queues.local_date as local_date,
        local.local_minute as local_minute,
        queues.delay_vehicle_h * persons.persons_per_vehicle as delay_person_h

    from {{ ref('int_queue_5m') }} as queues
    inner join local on queues.bin_start = local.bin_start
    left join persons
        on queues.road = persons.road
            and queues.direction = persons.direction
            and intDiv(local.local_minute, 60) = persons.local_hour
),

days as (
    select
        -- ids
        link_id,
        down_station_id,
        any(queues.road) as road,
        any(queues.direction) as direction,

        -- numerics
        toUInt32(countIf(queues.is_active) * {{ var('bin_s') }} / 60) as active_min,
        toUInt16(min(local_minute)) as first_minute,
        toUInt16(max(local_minute) + {{ var('bin_s') }} / 60) as last_minute,
        toUInt32(max(length_m)) as queue_length_m,
        max(excess_pce) as queue_pce,
        sum(queues.delay_vehicle_h) as delay_vehicle_h,
        sum(queues.delay_person_h) as delay_person_h,
        toBool(min(queues.is_measured)) as is_measured,

        -- timestamps
        local_date

    from queues
    group by link_id, down_station_id, local_date
)

select * from days
