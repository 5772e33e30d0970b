{#- No two rows have the same values in `columns`. -#}
{% test unique_grain(model, columns) %}

select
    {{ columns | join(', ') }},
    count() as row_count

from {{ model }}
group by {{ columns | join(', ') }}
having row_count > 1

{% endtest %}
