{#-
    Whether a device's clock was off when it took a reading: ahead of when the
    collector had it, or before the day that the epoch is named by.
-#}
{% macro is_clock_off() -%}
    toBool(coalesce(
        toUnixTimestamp64Micro(observed_at) > toUnixTimestamp64Milli(received_at) * 1000
        + {{ health_threshold('clock_ahead_max_s') }} * 1e6
        or toUnixTimestamp64Micro(observed_at) < bitShiftRight(epoch, 17) * 86400e6
        - {{ health_threshold('clock_behind_max_s') }} * 1e6,
        false
    ))
{%- endmacro %}
