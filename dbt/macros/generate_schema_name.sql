{#- A model's schema is the ClickHouse database it names, without a prefix:
    the databases raw, staging, serving and enforcement are part of Gantry's contract. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
