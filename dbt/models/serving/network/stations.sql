{{
    config(
        materialized='table',
        order_by=['station_id'],
        query_settings={'join_use_nulls': 0},
    )
}}

{%- set columns = [
    'gantry_id', 'road', 'direction', 'link_id', 'offset_m', 'lane_count', 'limit_kmh', 'longitude_deg', 'latitude_deg'
] %}

-- The columns of a loop look less indented to sqlfluff.
-- noqa: disable=LT02

with

latest as (
    select
        station_id,
        {%- for column in columns %}
        argMax({{ column }}, valid_from) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}

    from {{ ref('stg_stations') }}
    group by station_id
),

-- Where each device stands now.
devices as (
    select
        device_id,
        argMax(kind, valid_from) as kind,
        argMax(stg_devices.station_id, valid_from) as station_id

    from {{ ref('stg_devices') }} as stg_devices
    group by device_id
),

instruments as (
    select
        station_id,
        groupUniqArray(toString(kind)) as kinds

    from devices
    group by station_id
),

stations as (
    select
        -- ids
        latest.station_id as station_id,
        gantry_id,
        road,
        direction,
        link_id,

        -- flags
        toBool(has(kinds, 'counter')) as has_counter,
        toBool(has(kinds, 'speed')) as has_camera,
        toBool(has(kinds, 'toll')) as has_toll,

        -- numerics
        offset_m,
        lane_count,
        limit_kmh,
        longitude_deg,
        latitude_deg

    from latest
    left join instruments on latest.station_id = instruments.station_id
)

select * from stations
