{{
    config(
        materialized='table',
        order_by=['name'],
    )
}}

with

latest as (
    select
        name,
        argMax(zone, stg_networks.valid_from) as zone,
        max(stg_networks.valid_from) as valid_from

    from {{ ref('stg_networks') }} as stg_networks
    group by name
)

select * from latest
