{{
    config(
        materialized='table',
        order_by=['section_id', 'day'],
        query_settings={'join_use_nulls': 0},
    )
}}

{%- set share = health_threshold('neighbours_max_share') %}
{%- set stock = health_threshold('neighbours_stock_veh') %}

with

devices as (
    select * from {{ ref('int_device_day') }}
),

-- Vehicles do not vanish within a section: whoever counts them right counts
-- the same, so the largest group of devices that agree is right.
counted as (
    select
        section_id,
        day,
        count() as device_count,
        arraySort(groupArrayIf(reading_count, reading_count > 0)) as counts,
        medianExactForEachIf(devices.class_shares, reading_count > 0) as class_shares

    from devices
    group by section_id, day
),

grouped as (
    select
        *,
        arrayMap(
            centre -> arrayFilter(n -> abs(n - centre) <= {{ share }} * centre + {{ stock }}, counts),
            counts
        ) as groups,
        arrayMax(arrayMap(g -> length(g), groups)) as group_size,
        arrayDistinct(arrayMap(
            g -> arrayElement(g, intDiv(length(g) + 1, 2)),
            arrayFilter(g -> length(g) = group_size, groups)
        )) as centres

    from counted
),

-- Where groups of a size contradict each other, the one nearest to what the
-- section usually counts is right; without a past nobody can tell.
usual as (
    select section_id, day, medianExact(devices.usual_count) as usual_count
    from devices
    where devices.usual_count > 0
    group by section_id, day
),

decided as (
    select
        grouped.section_id as section_id,
        grouped.day as day,
        grouped.device_count as device_count,
        grouped.class_shares as class_shares,
        grouped.group_size as agreeing_count,
        usual.usual_count as usual_count,
        arrayMax(centres) - arrayMin(centres)
        <= {{ share }} * arrayMax(centres) + {{ stock }} as is_undisputed,
        multiIf(
            empty(centres), 0,
            is_undisputed, arrayElement(centres, intDiv(length(centres) + 1, 2)),
            usual_count > 0, arraySort(n -> abs(n - usual_count), centres)[1],
            0
        ) as passage_count

    from grouped
    left join usual
        on grouped.section_id = usual.section_id and grouped.day = usual.day
)

select * from decided
