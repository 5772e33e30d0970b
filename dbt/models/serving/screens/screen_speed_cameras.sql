{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

with

{{ threshold('camera_share_over_limit_min') }} as share_min,

{{ threshold('camera_limit_factor') }} as limit_factor,

{{ threshold('camera_limit_plus_kmh') }} as limit_plus_kmh,

{{ threshold('camera_vehicles_min') }} as vehicles_min,

{{ threshold('camera_instrument_difference_max') }} as difference_max,

days as (
    select
        count() as day_count,
        min(local_date) as first_date,
        max(local_date) as last_date

    from {{ ref('int_evaluation_days') }}
),

-- Where a station has a camera, it alone speaks for speeds. Days on which the
-- instrument was sick are no evidence.
speakers as (
    select
        station_id,
        if(max(kind = 'speed'), 'speed', 'counter') as kind

    from {{ ref('int_device_versions') }}
    group by station_id
),

sick as (
    select
        health.station_id as station_id,
        health.day as day

    from {{ ref('int_device_health') }} as health
    inner join speakers
        on health.station_id = speakers.station_id
            and health.kind = speakers.kind
    where health.state != 'healthy'
),

stations as (
    select
        station_id,
        any(road) as road,
        any(direction) as direction,
        argMax(limit_kmh, bin_start) as limit_kmh,
        uniqExactIf(
            local_date, speed_state != 'missing' and (station_id, toDate(bin_start)) not in (select station_id, day from sick)
        ) / uniqExact(local_date) as measured_share

    from {{ ref('int_station_5m') }}
    where local_date in (select local_date from {{ ref('int_evaluation_days') }})
    group by station_id
),

speeds as (
    select
        station_id,
        sum(free_count) as n,
        sum(free_over_limit_count) / n as over_limit_share,
        quantileInterpolatedWeighted(0.85)(speed_kmh + 0.5, free_count) as v85_kmh,
        1.96 * sqrt(0.85 * 0.15 / n) * 10 * (
            quantileInterpolatedWeighted(0.9)(speed_kmh + 0.5, free_count)
            - quantileInterpolatedWeighted(0.8)(speed_kmh + 0.5, free_count)
        ) as margin_kmh,
        sumIf(free_count, speed_kmh >= limit_factor * limit_kmh + limit_plus_kmh) as over_threshold_count

    from {{ ref('int_speed_hour') }}
    where {{ local_date('hour_start') }} in (select local_date from {{ ref('int_evaluation_days') }})
        and (station_id, toDate(hour_start)) not in (select station_id, day from sick)
    group by station_id
    having n > 0
),

-- Camera and loop measure the same vehicles: they must agree.
instruments as (
    select
        station_id,
        sum(camera_sum_speed_m_h) / sum(camera_speed_count) / (sum(counter_sum_speed_m_h) / sum(counter_speed_count)) - 1 as difference

    from {{ ref('int_station_flow_5m') }}
    where toDate(bin_start) in (select local_date from {{ ref('int_evaluation_days') }})
    group by station_id
    having sum(camera_speed_count) > 0
        and sum(counter_speed_count) > 0
),

counted as (
    select
        stations.station_id as station_id,
        stations.* except (station_id),
        days.day_count as day_count,
        days.first_date as first_date,
        days.last_date as last_date,
        speeds.n as n,
        speeds.over_limit_share as over_limit_share,
        speeds.v85_kmh as v85_kmh,
        speeds.margin_kmh as margin_kmh,
        speeds.over_threshold_count as over_threshold_count,
        limit_factor * stations.limit_kmh + limit_plus_kmh as threshold_kmh,
        abs(instruments.difference) > difference_max as is_disputed,
        multiIf(
            n < vehicles_min, 'few',
            measured_share < 0.5, 'sick',
            is_disputed, 'disputed',
            v85_kmh > threshold_kmh and over_limit_share >= share_min, 'yes',
            'no'
        ) as finding

    from stations
    cross join days
    left join speeds on stations.station_id = speeds.station_id
    left join instruments on stations.station_id = instruments.station_id
),

judged as (
    select
        -- ids
        station_id,
        road,
        direction,

        -- numerics
        limit_kmh,
        '85th percentile of free-flow speeds' as measure,
        if(n >= vehicles_min, v85_kmh, null) as value,
        'km/h' as unit,
        toFloat64(threshold_kmh) as threshold,
        {{ threshold_source('camera_limit_factor') }} as threshold_source,
        toUInt64(n) as n,
        'free-flow vehicles' as n_unit,
        if(value is null, null, v85_kmh - margin_kmh) as uncertainty_low,
        if(value is null, null, v85_kmh + margin_kmh) as uncertainty_high,
        if(n > 0, over_limit_share, null) as over_limit_share,
        cast(if(finding in ('yes', 'no'), finding, 'insufficient evidence') as LowCardinality(String)) as verdict,
        transform(
            finding,
            ['few', 'sick', 'disputed', 'yes'],
            [
                'too few free-flow vehicles',
                'the speed instrument was sick on most days',
                'camera and loop disagree on the speed of the same vehicles',
                'speed criterion met, collision criterion unknown'
            ],
            ''
        ) as caveat,
        if(value is null, null, over_threshold_count / day_count) as predicted_saving_per_weekday,
        'vehicles over the enforcement threshold' as saving_unit,
        false as is_demand_censored,

        -- timestamps
        first_date as evaluated_from,
        last_date as evaluated_to

    from counted
)

select * from judged
