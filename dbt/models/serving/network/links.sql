{{
    config(
        materialized='table',
        order_by=['link_id'],
    )
}}

{%- set columns = [
    'kind', 'road', 'direction', 'from_node_id', 'to_node_id', 'offset_m', 'length_m', 'lane_count', 'limit_kmh', 'points_deg'
] %}

-- The columns of a loop look less indented to sqlfluff.
-- noqa: disable=LT02

with

latest as (
    select
        link_id,
        {%- for column in columns %}
        argMax({{ column }}, valid_from) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}

    from {{ ref('stg_links') }}
    group by link_id
)

select * from latest
