{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- The same workday at one bottleneck when a share of the cars between two zones
    stays away and their riders come by bus. -#}

with

{{ threshold('breakdown_wait_s') }} as breakdown_wait_s,

{{ threshold('recovery_wait_s') }} as recovery_wait_s,

{{ threshold('public_transport_shift_share') }} as shift_share,

{{ threshold('public_transport_bus_persons') }} as bus_persons,

shares as (
    select
        link_id,
        origin_zone,
        destination_zone,
        arrayMap(
            h -> arraySum((x, s) -> if(x = h, s, 0.), groupArray(half_hour), groupArray(car_share)),
            range(48)
        ) as car_shares

    from {{ ref('int_od_shares') }}
    where origin_zone != ''
        and destination_zone != ''
    group by link_id, origin_zone, destination_zone
    having sum(car_count) > 0
),

persons as (
    select
        road,
        direction,
        avg(hours.persons_per_vehicle) as persons_per_vehicle,
        avg(hours.persons_per_car) as persons_per_car,
        arrayMap(
            h -> arraySum((x, p) -> if(x = h, p, 0.), groupArray(hours.local_hour), groupArray(hours.persons_per_vehicle)),
            range(24)
        ) as persons_by_hour

    from {{ ref('int_persons_per_vehicle') }} as hours
    group by road, direction
),

queues as (
    select
        queues.link_id as link_id,
        queues.* except (link_id, road, direction),
        shares.origin_zone as origin_zone,
        shares.destination_zone as destination_zone,
        -- a bus takes the room of two cars
        greatest(0, 1 - 2 * persons.persons_per_car / bus_persons) as relief_per_car,
        arraySum(
            (q, m) -> q * persons.persons_by_hour[intDiv(m, 60) + 1], queues.excess_pce, queues.minutes
        ) / arraySum(queues.excess_pce) as queue_persons,
        if(isFinite(queue_persons), queue_persons, persons.persons_per_vehicle) as persons_per_vehicle,
        -- who rides the bus still waits in what is left of the queue
        arraySum((q, m) -> q * shares.car_shares[intDiv(m, 30) + 1], queues.excess_pce, queues.minutes)
        / arraySum(queues.excess_pce) * shift_share * queues.vehicles_per_pce * relief_per_car as waiting_rider_share,
        arrayMap(
            (a, m) -> a * (1 - shift_share * shares.car_shares[intDiv(m, 30) + 1] * queues.vehicles_per_pce * relief_per_car),
            queues.arrivals_pce, queues.minutes
        ) as fewer_pce

    from {{ ref('int_queue_days') }} as queues
    inner join shares on queues.link_id = shares.link_id
    inner join persons
        on queues.road = persons.road
            and queues.direction = persons.direction
),

served as (
    select
        -- ids
        link_id,
        origin_zone,
        destination_zone,

        -- numerics
        active_bin_count,
        missing_bin_count,
        is_demand_censored,
        {{ queue_delay_pce_h('fewer_pce', 'discharge_pce', 'capacity_pce_bin') }} as fewer_pce_h,
        (modelled_pce_h - fewer_pce_h * (1 + if(isFinite(waiting_rider_share), waiting_rider_share, 0)))
        * vehicles_per_pce * believed_share * persons_per_vehicle as saved_person_h,

        -- timestamps
        local_date

    from queues
)

select * from served
