{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- Cameras bound the sections, for they give true travel times; a direction
    with fewer than two of them takes its counters. -#}

with

cameras as (
    select distinct station_id
    from {{ ref('int_device_versions') }}
    where kind = 'speed'
),

equipped as (
    select
        *,
        station_id in (select station_id from cameras) as has_camera,
        sum(has_camera) over (partition by road, direction) as camera_count

    from {{ ref('int_mainline_stations') }}
),

bounds as (
    select
        *,
        lagInFrame(station_id) over ahead as from_station_id,
        lagInFrame(offset_m) over ahead as from_offset_m

    from equipped
    where has_camera or camera_count < 2
    window ahead as (
        partition by road, direction order by offset_m
        rows between unbounded preceding and unbounded following
    )
),

sections as (
    select
        -- ids
        from_station_id,
        station_id as to_station_id,
        road,
        direction,

        -- numerics
        from_offset_m,
        offset_m as to_offset_m,
        (offset_m - from_offset_m) / 1000 as length_km,
        has_camera

    from bounds
    where from_station_id != ''
        and offset_m > from_offset_m
)

select * from sections
