{#-
    Whether a mean saving reaches its threshold but may well, by its 95 %
    interval, be less than half of that: no answer should rest on it.
-#}
{% macro varies_too_much(least) -%}
    (saved >= {{ least }} and isFinite(margin) and saved - margin < {{ least }} / 2)
{%- endmacro %}
