{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

with

active as (
    select * from {{ ref('int_bottleneck_5m') }}
),

sections as (
    select * from {{ ref('int_section_5m') }}
),

-- Upstream of a bottleneck its queue reaches as far as section after section
-- is queued; the section that holds the bottleneck itself counts in any case.
reached as (
    select
        active.link_id as link_id,
        active.down_station_id as down_station_id,
        active.road as road,
        active.direction as direction,
        active.local_date as local_date,
        active.bin_start as bin_start,
        active.is_active as is_active,
        active.down_offset_m as down_offset_m,
        sections.to_station_id as to_station_id,
        sections.from_offset_m as from_offset_m,
        sections.to_offset_m as to_offset_m,
        sections.has_delay and sections.is_counted as is_measured,
        sections.excess_pce as excess_pce,
        sections.is_queued as is_queued,
        sections.from_offset_m = min(sections.from_offset_m) over (
            partition by active.down_station_id, active.bin_start
        ) as is_first,
        sections.delay_vehicle_h as delay_vehicle_h,
        min(sections.is_queued or active.is_active and sections.to_offset_m > active.up_offset_m) over (
            partition by active.down_station_id, active.bin_start
            order by sections.to_offset_m desc
            rows between unbounded preceding and current row
        ) as is_reached

    from active
    inner join sections
        on active.road = sections.road
            and active.direction = sections.direction
            and active.bin_start = sections.bin_start
    where sections.from_offset_m < active.down_offset_m
),

-- A section belongs to the first bottleneck downstream of it.
owned as (
    select
        *,
        row_number() over (
            partition by road, direction, bin_start, to_station_id order by down_offset_m
        ) as place

    from reached
    where is_reached
),

queues as (
    select
        -- ids
        link_id,
        down_station_id,
        any(owned.road) as road,
        any(owned.direction) as direction,

        -- numerics
        sumIf(owned.excess_pce, owned.place = 1) as excess_pce,
        sumIf(owned.delay_vehicle_h, owned.place = 1) as delay_vehicle_h,
        max(owned.is_active) as is_active,
        min(owned.is_measured) as is_measured,
        any(owned.down_offset_m) - minIf(owned.from_offset_m, owned.place = 1 and owned.delay_vehicle_h > 0) as length_m,
        -- what waits before the first section is not seen
        max(owned.is_first and owned.is_queued) as reaches_begin,

        -- timestamps
        any(owned.local_date) as local_date,
        bin_start

    from owned
    group by link_id, down_station_id, bin_start
)

select * from queues
