{#-
    Local time of the network. Its zone is looked up once per call while a
    model is compiled, since ClickHouse wants zones as literals: an IANA name,
    or a fixed offset as +04:15. Nothing here becomes a column's type: a model
    that stores local times keeps them as dates, hours and minutes.
-#}

{#- Zone in force, in the words of ClickHouse; UTC before the first network.
    Unit tests override this macro. -#}
{% macro network_zone() -%}
    {%- if not execute -%}
        {{ return('UTC') }}
    {%- endif -%}
    {%- set query -%}
        select zone from {{ source('raw', 'networks') }} order by valid_from desc, inserted_at desc limit 1
    {%- endset -%}
    {%- set found = run_query(query).rows -%}
    {%- set zone = found[0][0] if found | length > 0 else 'UTC' -%}
    {%- if zone[0] in '+-' -%}
        {{ return('Fixed/UTC' ~ zone ~ ':00') }}
    {%- endif -%}
    {{ return(zone or 'UTC') }}
{%- endmacro %}

{#- `column`, a time in UTC, as the same moment in the network's zone. -#}
{% macro local_time(column) -%}
    toTimeZone({{ column }}, '{{ network_zone() }}')
{%- endmacro %}

{#- Local date of `column`. -#}
{% macro local_date(column) -%}
    toDate({{ local_time(column) }})
{%- endmacro %}

{#- Minute of the local day of `column`, by the clock on the wall: 0 to 1439,
    one hour of them missing or twice where the clocks change. -#}
{% macro local_minute(column) -%}
    toUInt16(toHour({{ local_time(column) }}) * 60 + toMinute({{ local_time(column) }}))
{%- endmacro %}

{#- Bins that the local day `date` has: 24 hours of them, or 23 or 25. -#}
{% macro bins_of_local_date(date) -%}
    {%- set zone = network_zone() -%}
    toUInt16(intDiv(
        toUnixTimestamp(toDateTime(addDays({{ date }}, 1), '{{ zone }}'))
        - toUnixTimestamp(toDateTime({{ date }}, '{{ zone }}')),
        {{ var('bin_s') }}
    ))
{%- endmacro %}
