{#- Tolerance that is taken off a measured speed, both in whole metres per
    hour, so that no rounding decides whether somebody is punished. What does
    not come out whole is rounded up, in favour of the driver; nobody is
    punished by a rule that the seed has lost. -#}
{% macro speed_tolerance_m_h(speed_m_h) -%}
    ifNull(toUInt32(if(
        {{ speed_m_h }} < 1000 * {{ threshold('tolerance_percent_from_kmh', 'enforcement_thresholds') }},
        1000 * {{ threshold('tolerance_kmh', 'enforcement_thresholds') }},
        ceil({{ speed_m_h }} * {{ threshold('tolerance_percent', 'enforcement_thresholds') }} / 100)
    )), 4294967295)
{%- endmacro %}
