{#- Every value that is not NULL lies between `min` and `max`, both included;
    either may be left out. -#}
{% test accepted_range(model, column_name, min=none, max=none) %}

select {{ column_name }}

from {{ model }}
where 1 = 0
    {%- if min is not none %}
    or {{ column_name }} < {{ min }}
    {%- endif %}
    {%- if max is not none %}
    or {{ column_name }} > {{ max }}
    {%- endif %}

{% endtest %}
