{#-
    Whether traffic is light enough to drive as one likes, and dense enough that
    a few trucks do not decide its mean speed: by density, for flow is as low in
    a queue.

    `pce` of a bin, `lanes`, and mean `pace` in h/km.
-#}
{% macro is_light_traffic(pce, lanes, pace) -%}
    (
        {{ pce }} * 3600 / {{ var('bin_s') }} / {{ lanes }} >= {{ threshold('free_flow_lane_min') }}
        and {{ pce }} * 3600 / {{ var('bin_s') }} / {{ lanes }} * ({{ pace }}) <= {{ threshold('free_flow_density_max') }}
    )
{%- endmacro %}
