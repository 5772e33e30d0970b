{#- Value of a threshold or parameter, by its name in a seed. Every row of such
    a seed says where its value is from. A name that is not there gives NULL,
    which makes every comparison false: the test thresholds_are_there finds it. -#}
{% macro threshold(name, seed='thresholds') -%}
    (select value from {{ ref(seed) }} where name = '{{ name }}')
{%- endmacro %}

{#- The same of the seed by which readings are implausible and devices sick. -#}
{% macro health_threshold(name) -%}
    {{ threshold(name, 'health_thresholds') }}
{%- endmacro %}
