{{
    config(
        materialized='table',
        order_by=['link_id', 'bin_start'],
        query_settings={'join_use_nulls': 0},
    )
}}

{#- Sections between cameras are shared out among the links that they run over, by
    length: what a section adds up to, its links add up to. -#}

with

links as (
    select
        link_id,
        road,
        direction,
        offset_m,
        length_m,
        valid_from,
        valid_to

    from {{ ref('int_link_versions') }}
    where kind = 'motorway'
),

sections as (
    select * from {{ ref('int_section_5m') }}
),

persons as (
    select * from {{ ref('int_persons_per_vehicle') }}
),

pieces as (
    select
        links.link_id as link_id,
        links.road as road,
        links.direction as direction,
        sections.local_date as local_date,
        sections.local_minute as local_minute,
        sections.bin_start as bin_start,
        sections.is_counted and sections.has_delay as is_measured,
        (
            toInt64(least(links.offset_m + links.length_m, sections.to_offset_m))
            - toInt64(greatest(links.offset_m, sections.from_offset_m))
        ) / (sections.to_offset_m - sections.from_offset_m) as share,
        sections.length_km * share as length_km,
        sections.vehicle_km * share as vehicle_km,
        sections.vehicle_h * share as vehicle_h,
        sections.delay_vehicle_h * share as delay_vehicle_h

    from sections
    inner join links
        on sections.road = links.road
            and sections.direction = links.direction
    where links.offset_m < sections.to_offset_m
        and links.offset_m + links.length_m > sections.from_offset_m
        and sections.bin_start >= links.valid_from
        and sections.bin_start < links.valid_to
),

facts as (
    select
        -- ids
        pieces.link_id as link_id,
        any(pieces.road) as road,
        any(pieces.direction) as direction,

        -- numerics
        min(pieces.is_measured) as is_measured,
        sum(pieces.length_km) as length_km,
        sumIf(pieces.vehicle_km, pieces.is_measured) as vehicle_km,
        sumIf(pieces.vehicle_h, pieces.is_measured) as vehicle_h,
        sumIf(pieces.delay_vehicle_h, pieces.is_measured) as delay_vehicle_h,
        sumIf(pieces.delay_vehicle_h * persons.persons_per_vehicle, pieces.is_measured) as delay_person_h,

        -- timestamps
        any(pieces.local_date) as local_date,
        any(pieces.local_minute) as local_minute,
        pieces.bin_start as bin_start

    from pieces
    left join persons
        on pieces.road = persons.road
            and pieces.direction = persons.direction
            and intDiv(pieces.local_minute, 60) = persons.local_hour
    group by pieces.link_id, pieces.bin_start
)

select * from facts
