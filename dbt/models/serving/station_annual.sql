{{
    config(
        order_by=['station_id', 'local_year'],
        query_settings={'join_use_nulls': 0},
    )
}}

{%- set quarter_h = 900 // var('bin_s') %}

with

bins as (
    select
        station_id,
        toYear(local_date) as local_year,
        local_date,
        bin_start - 60 * (local_minute % 60) as hour_start,
        bin_start - 60 * (local_minute % 15) as quarter_start,
        vehicle_count,
        count_state = 'measured' as is_counted

    from {{ ref('int_station_5m') }}
),

gantries as (
    select station_id, argMax(gantry_id, valid_from) as gantry_id
    from {{ ref('int_station_versions') }}
    group by station_id
),

-- Days with nearly all bins measured stand for themselves, what is missing
-- filled up in proportion.
days as (
    select
        station_id,
        local_year,
        local_date,
        {{ bins_of_local_date('local_date') }} as expected_bin_count,
        countIf(is_counted) as measured_bin_count,
        sumIf(bins.vehicle_count, is_counted) * expected_bin_count / measured_bin_count as day_count

    from bins
    group by station_id, local_year, local_date
    having measured_bin_count >= {{ health_threshold('annual_day_min_share') }} * expected_bin_count
),

-- AASHTO's average of averages: of each weekday in each month, then of the
-- weekdays of a month, then of the months, so that a gap in June does not make
-- June's traffic vanish.
weekdays as (
    select
        station_id,
        local_year,
        toMonth(local_date) as month,
        toDayOfWeek(local_date) as weekday,
        avg(days.day_count) as weekday_count,
        count() as day_count

    from days
    group by station_id, local_year, month, weekday
),

months as (
    select
        station_id,
        local_year,
        month,
        avg(weekdays.weekday_count) as month_count,
        sum(weekdays.day_count) as day_count

    from weekdays
    group by station_id, local_year, month
),

years as (
    select
        station_id,
        local_year,
        round(avg(months.month_count), 3) as aadt,
        sum(months.day_count) as days_count,
        days_count < {{ health_threshold('annual_min_days') }} as is_estimate,
        -- the 30th hour of a year, or the hour of the same rank in a part of it
        if(is_estimate, greatest(1, toUInt64(round(30 * days_count / 365))), 30) as design_rank

    from months
    group by station_id, local_year
),

quarters as (
    select
        station_id,
        local_year,
        hour_start,
        quarter_start,
        sum(vehicle_count) as quarter_count,
        count() = {{ quarter_h }} and min(is_counted) as is_whole

    from bins
    group by station_id, local_year, hour_start, quarter_start
),

hours as (
    select
        station_id,
        local_year,
        hour_start,
        sum(quarters.quarter_count) as hour_count,
        max(quarters.quarter_count) as quarter_max

    from quarters
    group by station_id, local_year, hour_start
    having count() = 4 and min(is_whole)
),

-- Hours are numbered, not ranked: among equals one is the 30th.
numbered as (
    select
        *,
        row_number() over (
            partition by station_id, local_year
            order by hour_count desc, hour_start asc
        ) as number

    from hours
),

both_ways as (
    select
        gantries.gantry_id as gantry_id,
        hours.local_year as local_year,
        hours.hour_start as hour_start,
        sum(hour_count) as gantry_count,
        max(hour_count) / gantry_count as peak_share,
        row_number() over (
            partition by gantry_id, local_year
            order by gantry_count desc, hour_start asc
        ) as number

    from hours
    inner join gantries on hours.station_id = gantries.station_id
    group by gantry_id, local_year, hour_start
    having count() = 2 and gantry_count > 0
),

annual as (
    select
        -- ids
        years.station_id as station_id,
        gantries.gantry_id as gantry_id,

        -- numerics
        toUInt16(years.local_year) as local_year,
        toUInt16(years.days_count) as days_count,
        years.aadt as aadt_veh,
        toBool(coalesce(years.is_estimate, true)) as k_is_estimate,
        toUInt16(years.design_rank) as design_rank,
        if(numbered.number > 0, numbered.hour_count, null) as design_hour_veh,
        if(years.aadt > 0, design_hour_veh / years.aadt, null) as k_ratio,
        if(both_ways.number > 0, both_ways.peak_share, null) as d_share,
        if(numbered.quarter_max > 0, design_hour_veh / (4 * numbered.quarter_max), null) as phf

    from years
    left join gantries
        on years.station_id = gantries.station_id
    left join numbered
        on years.station_id = numbered.station_id
            and years.local_year = numbered.local_year
            and years.design_rank = numbered.number
    left join both_ways
        on gantries.gantry_id = both_ways.gantry_id
            and years.local_year = both_ways.local_year
            and years.design_rank = both_ways.number
)

select * from annual
