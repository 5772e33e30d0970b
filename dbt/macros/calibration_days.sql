{#- One row per device and UTC day: its state of health, which stands for its
    calibration, since readings tell of no certificate. -#}
{% macro calibration_days() -%}
    select
        device_id,
        day,
        state

    from {{ ref('device_health') }}
{%- endmacro %}
