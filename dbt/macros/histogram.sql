{#- Value of a histogram, a Map from value to count with sorted keys, at or
    below which lies the share `p` of all: the nearest rank. NULL of an empty
    one. -#}
{% macro histogram_percentile(histogram, p) -%}
    if(
        empty({{ histogram }}),
        null,
        toFloat64(mapKeys({{ histogram }})[arrayFirstIndex(
            c -> c >= {{ p }} * arraySum(mapValues({{ histogram }})) - 1e-9,
            arrayCumSum(mapValues({{ histogram }}))
        )])
    )
{%- endmacro %}
