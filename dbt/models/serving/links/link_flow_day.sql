{{
    config(
        materialized='table',
        order_by=['link_id', 'local_date'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

facts as (
    select * from {{ ref('int_link_5m') }}
),

summed as (
    select
        -- ids
        facts.link_id as link_id,
        any(facts.road) as road,
        any(facts.direction) as direction,

        -- numerics
        toUInt16(count()) as bin_count,
        toUInt16(countIf(facts.is_measured)) as measured_bin_count,
        sum(facts.vehicle_km) as vehicle_km,
        sum(facts.vehicle_h) as vehicle_h,
        sum(facts.delay_vehicle_h) as delay_vehicle_h,
        sum(facts.delay_person_h) as delay_person_h,
        if(sum(facts.vehicle_h) > 0, sum(facts.vehicle_km) / sum(facts.vehicle_h), null) as speed_kmh,

        -- timestamps
        facts.local_date as local_date

    from facts
    group by facts.link_id, facts.local_date
)

select * from summed
