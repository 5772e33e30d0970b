{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

with

{{ threshold('public_transport_saving_min_person_h') }} as saving_min_person_h,

{{ threshold('public_transport_shift_share') }} as shift_share,

{{ threshold('public_transport_bus_persons') }} as bus_persons,

{{ threshold('public_transport_cars_min') }} as cars_min,

{{ threshold('evaluation_workdays_min') }} as workdays_min,

{{ threshold('censored_day_share_max') }} as censored_share_max,

days as (
    select
        count() as day_count,
        min(local_date) as first_date,
        max(local_date) as last_date

    from {{ ref('int_evaluation_days') }}
    where is_workday
),

persons as (
    select
        road,
        direction,
        avg(persons_per_car) as persons_per_car,
        max(is_measured) as is_measured

    from {{ ref('int_persons_per_vehicle') }}
    where local_hour between 6 and 19
    group by road, direction
),

daily as (
    select
        origin_zone,
        destination_zone,
        local_date,
        sum(saved_person_h) as saved_person_h,
        max(is_demand_censored) as is_demand_censored,
        max(missing_bin_count) > {{ threshold('queue_missing_bins_max') }} as is_missing

    from {{ ref('int_public_transport_days') }}
    group by origin_zone, destination_zone, local_date
),

savings as (
    select
        origin_zone,
        destination_zone,
        countIf(not is_missing) as n,
        countIf(is_demand_censored and not is_missing) as censored_day_count,
        sumIf(saved_person_h, not is_missing) / n as saved,
        1.96 * sqrt(varSampIf(saved_person_h, not is_missing) / n) as margin

    from daily
    group by origin_zone, destination_zone
),

-- Riders take the bus's longer way with them, and each bus has a driver.
counted as (
    select
        pairs.origin_zone as origin_zone,
        pairs.destination_zone as destination_zone,
        pairs.cars_per_workday as cars_per_workday,
        days.first_date as first_date,
        days.last_date as last_date,
        persons.is_measured as is_measured,
        savings.origin_zone != '' as has_queue,
        if(has_queue, savings.n, days.day_count) as n,
        shift_share * pairs.cars_per_workday * persons.persons_per_car as riders,
        ceil(riders / bus_persons) as buses,
        riders * pairs.bus_extra_h + buses * pairs.bus_h as bus_person_h,
        savings.censored_day_count as censored_day_count,
        if(has_queue, savings.saved, 0) - bus_person_h as saved,
        if(has_queue, savings.margin, 0) as margin

    from {{ ref('int_od_pairs') }} as pairs
    cross join days
    left join savings
        on pairs.origin_zone = savings.origin_zone
            and pairs.destination_zone = savings.destination_zone
    left join persons
        on pairs.main_road = persons.road
            and pairs.main_direction = persons.direction
    where pairs.cars_per_workday >= cars_min
),

judged as (
    select
        -- ids
        origin_zone,
        destination_zone,

        -- numerics
        'hours saved by serving part of the cars by bus' as measure,
        if(n >= workdays_min, saved, null) as value,
        'person-hours per weekday' as unit,
        toFloat64(saving_min_person_h) as threshold,
        {{ threshold_source('public_transport_saving_min_person_h') }} as threshold_source,
        toUInt64(n) as n,
        'workdays' as n_unit,
        if(value is null or not isFinite(margin), null, saved - margin) as uncertainty_low,
        if(value is null or not isFinite(margin), null, saved + margin) as uncertainty_high,
        cast(multiIf(
            n < workdays_min, 'insufficient evidence',
            {{ varies_too_much('saving_min_person_h') }}, 'insufficient evidence',
            saved >= saving_min_person_h, 'yes',
            'no'
        ) as LowCardinality(String)) as verdict,
        multiIf(
            n < workdays_min, 'too few workdays with healthy counters at the bottleneck',
            not has_queue, 'the pair meets no queue',
            {{ varies_too_much('saving_min_person_h') }}, 'the saving differs too much from day to day',
            not is_measured, 'persons per car are imputed: no toll gantry on the way',
            ''
        ) as caveat,
        value as predicted_saving_per_weekday,
        'person-hours' as saving_unit,
        toBool(censored_day_count > censored_share_max * n) as is_demand_censored,
        cars_per_workday,
        toUInt32(buses) as buses_per_weekday,

        -- timestamps
        first_date as evaluated_from,
        last_date as evaluated_to

    from counted
)

select * from judged
