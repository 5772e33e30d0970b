{#- Every threshold that a model names stands in its seed: one that does not is
    0, which makes every comparison with it say nothing. -#}
{%- set calls = {
    'health_thresholds': "health_threshold\('(\w+)'\)",
    'thresholds': "[^_]threshold(?:_source)?\('(\w+)'\)",
} -%}
-- depends_on: {{ ref('health_thresholds') }}
-- depends_on: {{ ref('thresholds') }}
with

{% for seed, call in calls.items() %}
{%- set names = [] %}
{%- if execute %}
    {%- for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') %}
        {%- do names.extend(modules.re.findall(call, node.raw_code)) %}
    {%- endfor %}
{%- endif %}
named_in_{{ seed }} as (
    select '{{ seed }}' as seed, arrayJoin({{ names | unique | list }}::Array(String)) as name
){{ ',' if not loop.last }}
{% endfor %}
{% for seed in calls %}
select seed, name from named_in_{{ seed }} where name not in (select name from {{ ref(seed) }})
{{ 'union all' if not loop.last }}
{% endfor %}
