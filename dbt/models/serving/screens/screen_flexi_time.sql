{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

with

{{ threshold('flexi_time_saving_min_veh_h') }} as saving_min_veh_h,

{{ threshold('evaluation_workdays_min') }} as workdays_min,

{{ threshold('censored_day_share_max') }} as censored_share_max,

{{ threshold('measured_bins_min') }} as measured_bins_min,

{{ threshold('recurrent_day_share_min') }} as day_share_min,

days as (
    select
        min(local_date) as first_date,
        max(local_date) as last_date

    from {{ ref('int_evaluation_days') }}
    where is_workday
),

-- What all bottlenecks of the direction save on one day.
daily as (
    select
        road,
        direction,
        peak,
        local_date,
        sum(saved_vehicle_h) as saved_vehicle_h,
        max(active_bin_count) > 0 as is_active,
        max(is_demand_censored) as is_demand_censored,
        max(missing_bin_count) > {{ threshold('queue_missing_bins_max') }} as is_missing

    from {{ ref('int_flexi_days') }}
    where shift_percent = toUInt8(round(100 * {{ threshold('flexi_time_shift_share') }}))
    group by road, direction, peak, local_date
),

savings as (
    select
        road,
        direction,
        peak,
        countIf(not is_missing) as n,
        countIf(is_demand_censored and not is_missing) as censored_day_count,
        countIf(saved_vehicle_h > saving_min_veh_h / 4) as active_day_count,
        sumIf(saved_vehicle_h, not is_missing) / n as saved,
        1.96 * sqrt(varSampIf(saved_vehicle_h, not is_missing) / n) as margin

    from daily
    group by road, direction, peak
),

coverage as (
    select
        road,
        direction,
        uniqExactIf(local_date, measured_bin_count >= measured_bins_min) as measured_day_count

    from (
        select
            road,
            direction,
            local_date,
            uniqExactIf(bin_start, count_state = 'measured') as measured_bin_count

        from {{ ref('int_station_5m') }}
        where local_date in (select local_date from {{ ref('int_evaluation_days') }} where is_workday)
        group by road, direction, local_date
    )
    group by road, direction
),

counted as (
    select
        windows.road as road,
        windows.direction as direction,
        windows.peak as peak,
        windows.window_from_minute as window_from_minute,
        windows.window_to_minute as window_to_minute,
        days.first_date as first_date,
        days.last_date as last_date,
        savings.active_day_count as active_day_count,
        savings.road != '' as has_queue,
        if(has_queue, savings.n, coverage.measured_day_count) as n,
        savings.censored_day_count as censored_day_count,
        if(has_queue, savings.saved, 0) as saved,
        if(has_queue, savings.margin, 0) as margin

    from {{ ref('int_peak_windows') }} as windows
    cross join days
    left join savings
        on windows.road = savings.road
            and windows.direction = savings.direction
            and windows.peak = savings.peak
    left join coverage
        on windows.road = coverage.road
            and windows.direction = coverage.direction
),

judged as (
    select
        -- ids
        road,
        direction,
        peak,

        -- numerics
        toUInt16(window_from_minute) as window_from_minute,
        toUInt16(window_to_minute) as window_to_minute,
        'delay saved when departures spread' as measure,
        if(n >= workdays_min, saved, null) as value,
        'vehicle-hours per weekday' as unit,
        toFloat64(saving_min_veh_h) as threshold,
        {{ threshold_source('flexi_time_saving_min_veh_h') }} as threshold_source,
        toUInt64(n) as n,
        'workdays' as n_unit,
        if(value is null or not isFinite(margin), null, saved - margin) as uncertainty_low,
        if(value is null or not isFinite(margin), null, saved + margin) as uncertainty_high,
        cast(multiIf(
            n < workdays_min, 'insufficient evidence',
            active_day_count < day_share_min * n, 'no',
            {{ varies_too_much('saving_min_veh_h') }}, 'insufficient evidence',
            saved >= saving_min_veh_h, 'yes',
            'no'
        ) as LowCardinality(String)) as verdict,
        multiIf(
            n < workdays_min, 'too few workdays with healthy counters',
            not has_queue, 'no queue begins in this direction',
            saved >= saving_min_veh_h and active_day_count < day_share_min * n,
            'queues on few days: incidents and not recurrent congestion',
            {{ varies_too_much('saving_min_veh_h') }}, 'the saving differs too much from day to day',
            saved < 0, 'the shoulders have no slack: moved departures meet the queue',
            ''
        ) as caveat,
        value as predicted_saving_per_weekday,
        'vehicle-hours' as saving_unit,
        toBool(censored_day_count > censored_share_max * n) as is_demand_censored,

        -- timestamps
        first_date as evaluated_from,
        last_date as evaluated_to

    from counted
)

select * from judged
