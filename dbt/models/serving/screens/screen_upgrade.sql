{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

with

{{ threshold('upgrade_saving_min_veh_h') }} as saving_min_veh_h,

{{ threshold('evaluation_workdays_min') }} as workdays_min,

{{ threshold('censored_day_share_max') }} as censored_share_max,

{{ threshold('measured_bins_min') }} as measured_bins_min,

{{ threshold('recurrent_day_share_min') }} as day_share_min,

links as (
    select
        link_id,
        argMax(road, valid_from) as road,
        argMax(direction, valid_from) as direction,
        argMax(offset_m, valid_from) as offset_m,
        argMax(length_m, valid_from) as length_m,
        argMax(lane_count, valid_from) as lane_count

    from {{ ref('stg_links') }}
    where kind = 'motorway'
    group by link_id
),

days as (
    select
        min(local_date) as first_date,
        max(local_date) as last_date

    from {{ ref('int_evaluation_days') }}
    where is_workday
),

-- Stations next to a link speak for it: those on it, the last before and the
-- first behind.
watched as (
    select
        links.link_id as link_id,
        pairs.down_station_id as down_station_id,
        pairs.up_station_id as up_station_id

    from links
    inner join {{ ref('int_bottleneck_pairs') }} as pairs
        on links.road = pairs.road
            and links.direction = pairs.direction
    where links.offset_m < pairs.down_offset_m
        and links.offset_m + links.length_m > pairs.up_offset_m
),

seen as (
    select
        station_id,
        uniqExactIf(local_date, measured_bin_count >= measured_bins_min) as measured_day_count

    from (
        select
            station_id,
            local_date,
            countIf(count_state = 'measured' and speed_state != 'missing') as measured_bin_count

        from {{ ref('int_station_5m') }}
        where local_date in (select local_date from {{ ref('int_evaluation_days') }} where is_workday)
        group by station_id, local_date
    )
    group by station_id
),

coverage as (
    select
        watched.link_id as link_id,
        max(least(up.measured_day_count, down.measured_day_count)) as measured_day_count

    from watched
    inner join seen as up on watched.up_station_id = up.station_id
    inner join seen as down on watched.down_station_id = down.station_id
    group by watched.link_id
),

queues as (
    select
        link_id,
        count() as queue_day_count,
        countIf(active_bin_count > 0) as active_day_count,
        countIf(missing_bin_count > {{ threshold('queue_missing_bins_max') }}) as missing_day_count,
        countIf(is_demand_censored) as censored_day_count,
        sum(delay_vehicle_h) / count() as delay_vehicle_h_per_weekday,
        sum(saved_vehicle_h) as saved_sum,
        sum(saved_vehicle_h * saved_vehicle_h) as saved_squared

    from {{ ref('int_upgrade_days') }}
    group by link_id
),

counted as (
    select
        links.link_id as link_id,
        links.* except (link_id),
        days.first_date as first_date,
        days.last_date as last_date,
        coverage.measured_day_count as measured_day_count,
        queues.active_day_count as active_day_count,
        queues.delay_vehicle_h_per_weekday as delay_vehicle_h_per_weekday,
        queues.censored_day_count as censored_day_count,
        if(queues.link_id != '', queues.queue_day_count - queues.missing_day_count, measured_day_count) as n,
        if(n > 0, queues.saved_sum / n, 0) as saved,
        if(
            n > 1,
            1.96 * sqrt(greatest(0, queues.saved_squared / n - saved * saved) / (n - 1)),
            null
        ) as margin,
        relief.capacity_ratio as capacity_ratio,
        relief.next_link_id as next_link_id

    from links
    cross join days
    left join coverage on links.link_id = coverage.link_id
    left join queues on links.link_id = queues.link_id
    left join {{ ref('int_lane_relief') }} as relief on links.link_id = relief.link_id
),

judged as (
    select
        -- ids
        link_id,
        road,
        direction,

        -- numerics
        offset_m as from_offset_m,
        toUInt32(offset_m + length_m) as to_offset_m,
        lane_count,
        'delay saved by one more lane' as measure,
        if(n >= workdays_min, saved, null) as value,
        'vehicle-hours per weekday' as unit,
        toFloat64(saving_min_veh_h) as threshold,
        {{ threshold_source('upgrade_saving_min_veh_h') }} as threshold_source,
        toUInt64(n) as n,
        'workdays' as n_unit,
        if(value is null, null, greatest(0, saved - margin)) as uncertainty_low,
        if(value is null, null, saved + margin) as uncertainty_high,
        cast(multiIf(
            n < workdays_min, 'insufficient evidence',
            active_day_count < day_share_min * n, 'no',
            {{ varies_too_much('saving_min_veh_h') }}, 'insufficient evidence',
            saved >= saving_min_veh_h, 'yes',
            'no'
        ) as LowCardinality(String)) as verdict,
        multiIf(
            n < workdays_min, 'too few workdays with healthy counters and speeds on both sides of the link',
            saved >= saving_min_veh_h and active_day_count < day_share_min * n,
            'queues on few days: incidents and not recurrent congestion',
            {{ varies_too_much('saving_min_veh_h') }}, 'the saving differs too much from day to day',
            capacity_ratio > 1 and capacity_ratio < (lane_count + 1) / lane_count, concat('relief is bounded by link ', next_link_id),
            next_link_id != '' and capacity_ratio = 1, concat('a lane here would move the queue to link ', next_link_id),
            ''
        ) as caveat,
        value as predicted_saving_per_weekday,
        'vehicle-hours' as saving_unit,
        toBool(censored_day_count > censored_share_max * n) as is_demand_censored,
        toUInt16(active_day_count) as active_workday_count,
        delay_vehicle_h_per_weekday,

        -- timestamps
        first_date as evaluated_from,
        last_date as evaluated_to

    from counted
)

select * from judged
