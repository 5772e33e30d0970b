{{
    config(
        materialized='table',
        order_by=['local_date', 'local_hour'],
        query_settings={'join_use_nulls': 0},
    )
}}

{%- set reference_kmh = threshold('region_reference_kmh', 'plate_thresholds') %}

with

links as (
    select * from {{ ref('link_flow_hour') }}
),

-- Indices are of the sums: that of a mean of speeds, or a mean of indices,
-- would say something else, and a sum of speeds nothing at all. Rounded, for
-- sums of fractions depend a little on their order.
summed as (
    select
        -- numerics
        links.local_hour as local_hour,
        toUInt16(count()) as link_count,
        sum(links.bin_count) as bin_count,
        sum(links.measured_bin_count) as measured_bin_count,
        sum(links.vehicle_km) as vehicle_km,
        sum(links.vehicle_h) as vehicle_h,
        sum(links.delay_vehicle_h) as delay_vehicle_h,
        sum(links.delay_person_h) as delay_person_h,
        if(vehicle_h > 0, vehicle_km / vehicle_h, null) as speed_kmh,
        if(vehicle_h > 0, round(vehicle_h / (vehicle_h - delay_vehicle_h), 9), null) as travel_time_index,
        if(vehicle_km > 0, round({{ reference_kmh }} * vehicle_h / vehicle_km, 9), null) as travel_time_index_60_mph,

        -- timestamps
        links.local_date as local_date

    from links
    group by links.local_date, links.local_hour
)

select * from summed
