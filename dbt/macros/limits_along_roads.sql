{#- One row per road and direction: every stretch of it with a limit, as
    (from_m, to_m, limit_kmh, valid_from, valid_to). A station's limit holds at
    one place, which counts as a metre on both sides; a link's along it. -#}
{% macro limits_along_roads() -%}
    select
        road,
        direction,
        groupArray((from_m, to_m, limit_kmh, valid_from, valid_to)) as stretches

    from (
        select
            road,
            direction,
            toInt64(offset_m) - 1 as from_m,
            toInt64(offset_m) + 1 as to_m,
            limit_kmh,
            valid_from,
            valid_to

        from {{ ref('int_station_versions') }}

        union all

        select
            road,
            direction,
            toInt64(offset_m) as from_m,
            toInt64(offset_m) + toInt64(length_m) as to_m,
            limit_kmh,
            valid_from,
            valid_to

        from {{ ref('int_link_versions') }}
        where kind = 'motorway'
    )
    group by road, direction
{%- endmacro %}
