{#- `expression` is true of every row. NULL counts as false. -#}
{% test holds(model, expression) %}

select *

from {{ model }}
where not coalesce({{ expression }}, false)

{% endtest %}
