{#- One row per device and UTC day: its state of health, which stands for its
    calibration, since readings tell of no certificate. -#}
{% macro calibration_days() -%}
    select
        '' as device_id,
        toDate('1970-01-01') as day,
        '' as state
{%- endmacro %}
