{{
    config(
        materialized='table',
        order_by=['node_id'],
    )
}}

with

latest as (
    select
        node_id,
        argMax(is_zone, valid_from) as is_zone,
        argMax(longitude_deg, valid_from) as longitude_deg,
        argMax(latitude_deg, valid_from) as latitude_deg

    from {{ ref('stg_nodes') }}
    group by node_id
)

select * from latest
