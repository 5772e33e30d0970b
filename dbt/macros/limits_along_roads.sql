{#- One row per road and direction: every stretch of it with a limit, as
    (from_m, to_m, limit_kmh, valid_from, valid_to). A station's limit holds at
    one place, which counts as a metre on both sides. -#}
{% macro limits_along_roads() -%}
    select
        road,
        direction,
        groupArray(
            (toInt64(offset_m) - 1, toInt64(offset_m) + 1, limit_kmh, valid_from, valid_to)
        ) as stretches

    from {{ ref('int_station_versions') }}
    group by road, direction
{%- endmacro %}
