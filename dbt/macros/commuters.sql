{#- Subquery of the local weekdays that commuter_share looks at: the last so
    many whole ones; the day that is going on does not count yet. -#}
{% macro commuter_weekdays() -%}
    (
        select {{ local_date('bin_start') }} as local_date
        from {{ ref('int_od_flow_5m') }}
        group by local_date
        having toDayOfWeek(local_date) <= 5
            and local_date < (select {{ local_date('max(bin_start)') }} from {{ ref('int_od_flow_5m') }})
        order by local_date desc
        limit {{ plate_limit('commute_days_seen') }}
    )
{%- endmacro %}

{#- Subquery of one number that changes with the journeys of these weekdays. -#}
{% macro commuter_stamp() -%}
    (
        select groupBitXor(cityHash64(day, computed_at, next_stamp))
        from {{ ref('int_journey_days') }}
        where {{ local_date("toDateTime(day, 'UTC')") }} in {{ commuter_weekdays() }}
            or {{ local_date("toDateTime(day, 'UTC') + 86399") }} in {{ commuter_weekdays() }}
    )
{%- endmacro %}

{#- Whether commuter_share must be computed: it costs seconds, and what it
    looks at rarely changes. -#}
{% macro commuters_changed() -%}
    {%- if not is_incremental() or not execute -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set query -%}
        select {{ commuter_stamp() }} != (select max(journeys_stamp) from {{ this }})
    {%- endset -%}
    {{ return(run_query(query).rows[0][0]) }}
{%- endmacro %}
