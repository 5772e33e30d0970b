{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- Stations as they stand now, without those beside ramps: who passes one of
    those has left the road or not yet joined it. -#}

with

stations as (
    select * from {{ ref('int_station_versions') }}
    where valid_to > now()
),

ramps as (
    select link_id from {{ ref('int_link_versions') }}
    where kind = 'ramp'
        and valid_to > now()
),

mainline as (
    select
        -- ids
        station_id,
        road,
        direction,
        link_id,

        -- numerics
        offset_m,
        lane_count

    from stations
    where link_id not in (select link_id from ramps)
)

select * from mainline
