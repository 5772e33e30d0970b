{#-
    Rows of a relation with origin_zone and destination_zone, as cameras saw
    them, by the zones that int_zone_splits makes of these: counts are shared
    among them.
-#}
{% macro split_zones(relation, by, counts) %}
    select
        {% for name in by -%}
        seen_by.{{ name }} as {{ name }},
        {% endfor -%}
        if(entries.seen_zone = '', seen_by.origin_zone, entries.zone_id) as origin_zone,
        if(exits.seen_zone = '', seen_by.destination_zone, exits.zone_id) as destination_zone,
        {%- for name in counts %}
        sum(
            seen_by.{{ name }} * if(entries.seen_zone = '', 1, entries.share) * if(exits.seen_zone = '', 1, exits.share)
        ) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}

    from {{ relation }} as seen_by
    left join (select * from {{ ref('int_zone_splits') }} where is_entry) as entries
        on seen_by.origin_zone = entries.seen_zone
    left join (select * from {{ ref('int_zone_splits') }} where not is_entry) as exits
        on seen_by.destination_zone = exits.seen_zone
    group by all
{% endmacro %}
