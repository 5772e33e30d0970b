{#-
    Delay at a bottleneck by the deterministic queue, in passenger-car hours.

    `arrivals` and `discharge` are arrays by bin, pce; `capacity` is a number,
    pce per bin. Vehicles leave at `capacity` until their wait exceeds the
    breakdown threshold, from then on at `discharge`, until nobody waits. The
    state is (queue, is broken down, delay so far).
-#}
{% macro queue_delay_pce_h(arrivals, discharge, capacity) -%}
    {%- set bin_s = var('bin_s') -%}
    {%- set rate = 'if(acc.2 = 1, out, assumeNotNull(' ~ capacity ~ '))' -%}
    {%- set left = 'greatest(0., acc.1 + a - ' ~ rate ~ ')' -%}
    {%- set wait = left ~ ' / greatest(' ~ rate ~ ', 1e-9) * ' ~ bin_s -%}
    arrayFold(
        (acc, a, out) -> (
            {{ left }},
            toUInt8(multiIf(
                {{ wait }} > breakdown_wait_s, 1,
                {{ wait }} < recovery_wait_s, 0,
                acc.2
            )),
            acc.3 + {{ left }} * {{ bin_s }} / 3600
        ),
        {{ arrivals }},
        {{ discharge }},
        (0., toUInt8(0), 0.)
    ).3
{%- endmacro %}

{#- `values` moved by `bins` bins, later when positive, with zeros behind. -#}
{% macro moved(values, bins) -%}
    {%- if bins >= 0 -%}
        arraySlice(arrayConcat(arrayWithConstant({{ bins }}, 0.), {{ values }}), 1, length({{ values }}))
    {%- else -%}
        arrayConcat(arraySlice({{ values }}, {{ 1 - bins }}), arrayWithConstant({{ -bins }}, 0.))
    {%- endif -%}
{%- endmacro %}

{#-
    The value at `x` of the line through the points of two arrays, `xs` not
    falling and above 0, that begins at (0, 0) and ends at (length, `last`).
-#}
{% macro interpolated(x, xs, ys, last) -%}
    {%- set k = 'arrayLastIndex(s -> s <= ' ~ x ~ ', ' ~ xs ~ ')' -%}
    {%- set x0 = 'if(' ~ k ~ ' = 0, 0., ' ~ xs ~ '[' ~ k ~ '])' -%}
    {%- set y0 = 'if(' ~ k ~ ' = 0, 0., ' ~ ys ~ '[' ~ k ~ '])' -%}
    {%- set x1 = 'if(' ~ k ~ ' = length(' ~ xs ~ '), toFloat64(' ~ k ~ '), ' ~ xs ~ '[' ~ k ~ ' + 1])' -%}
    {%- set y1 = 'if(' ~ k ~ ' = length(' ~ xs ~ '), ' ~ last ~ ', ' ~ ys ~ '[' ~ k ~ ' + 1])' -%}
    {{ y0 }} + ({{ y1 }} - {{ y0 }}) * ({{ x }} - {{ x0 }}) / greatest({{ x1 }} - {{ x0 }}, 1e-9)
{%- endmacro %}
