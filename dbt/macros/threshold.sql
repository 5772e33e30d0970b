{#- Value of a threshold or parameter, by its name in a seed. Every row of such
    a seed says where its value is from. A name that is not there would
    count as 0: the test thresholds_are_there finds it. -#}
{% macro threshold(name, seed='thresholds') -%}
    assumeNotNull((select value from {{ ref(seed) }} where name = '{{ name }}'))
{%- endmacro %}

{#- Where that value is from, for tables that show both. -#}
{% macro threshold_source(name, seed='thresholds') -%}
    assumeNotNull((select source from {{ ref(seed) }} where name = '{{ name }}'))
{%- endmacro %}

{#- The same of the seed by which readings are implausible and devices sick. -#}
{% macro health_threshold(name) -%}
    {{ threshold(name, 'health_thresholds') }}
{%- endmacro %}
