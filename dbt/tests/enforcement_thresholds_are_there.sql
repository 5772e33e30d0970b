{#- Every parameter that a model reads has a row: one that is missing makes
    comparisons false and nobody notices. -#}
select name

from (
    select arrayJoin([
        'tolerance_kmh',
        'tolerance_percent',
        'tolerance_percent_from_kmh',
        'plate_confidence_min_percent',
        'section_length_min_m',
        'section_travel_max_s'
    ]) as name
)
where name not in (select name from {{ ref('enforcement_thresholds') }})
