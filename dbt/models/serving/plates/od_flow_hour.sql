{{
    config(
        materialized='table',
        order_by=['origin_zone', 'destination_zone', 'local_date', 'local_hour'],
        query_settings={'join_use_nulls': 0},
    )
}}

{%- set least_persons = plate_limit('persons_min_count') %}
{%- set groups = ['car', 'other'] %}

-- The columns of a loop look less indented to sqlfluff.
-- noqa: disable=LT02

with

-- Per station, so that a journey stands here once for every camera it passed.
passages as (
    select
        station_id,
        origin_zone,
        destination_zone,
        {{ local_date('bin_start') }} as local_date,
        toUInt8(intDiv({{ local_minute('bin_start') }}, 60)) as local_hour,
        sum(flow.vehicle_count) as passed_count,
        sum(begin_count) as journey_count,
        sum(begin_car_count) as car_count,
        sum(measured_car_count) as car_measured_count,
        sum(measured_car_persons) as car_measured_persons,
        sum(measured_count) - car_measured_count as other_measured_count,
        sum(measured_persons) - car_measured_persons as other_measured_persons

    from {{ ref('int_od_flow_5m') }} as flow
    group by station_id, origin_zone, destination_zone, local_date, local_hour
),

-- Hours that the counter counted throughout.
counted as (
    select
        station_id,
        local_date,
        toUInt8(intDiv(local_minute, 60)) as local_hour,
        sum(vehicle_count) as counter_count

    from {{ ref('int_station_5m') }}
    group by station_id, local_date, local_hour
    having countIf(count_state != 'measured') = 0
),

-- How many vehicles there were for each journey that the cameras know of.
stations as (
    select
        passed.station_id as station_id,
        passed.local_date as local_date,
        passed.local_hour as local_hour,
        counted.counter_count / passed.passed_count as expansion

    from (
        select station_id, local_date, local_hour, sum(passages.passed_count) as passed_count
        from passages
        group by station_id, local_date, local_hour
    ) as passed
    inner join counted
        on passed.station_id = counted.station_id
            and passed.local_date = counted.local_date
            and passed.local_hour = counted.local_hour
    where passed.passed_count >= {{ plate_limit('expansion_min_count') }}
        and expansion >= {{ threshold('expansion_min', 'plate_thresholds') }}
        and expansion <= {{ threshold('expansion_max', 'plate_thresholds') }}
),

-- The stations that a flow passes say the same unless one of them is wrong:
-- the median is the word of the others.
flows as (
    select
        passages.origin_zone as origin_zone,
        passages.destination_zone as destination_zone,
        passages.local_date as local_date,
        passages.local_hour as local_hour,
        countIf(stations.station_id != '') as expansion_station_count,
        if(
            expansion_station_count > 0,
            quantileExactLowIf(0.5)(stations.expansion, stations.station_id != ''),
            1
        ) as expansion,
        {%- for name in ['journey_count', 'car_count', 'car_measured_count', 'car_measured_persons',
            'other_measured_count', 'other_measured_persons'] %}
        sum(passages.{{ name }}) as {{ name }},
        {%- endfor %}
        journey_count - car_count as other_count,
        toDayOfWeek(local_date) > 5 as is_weekend

    from passages
    left join stations
        on passages.station_id = stations.station_id
            and passages.local_date = stations.local_date
            and passages.local_hour = stations.local_hour
    group by origin_zone, destination_zone, local_date, local_hour
    having journey_count > 0
),

-- Persons per vehicle where they were counted: of the row; else of its zones
-- at that hour on all such days; else of all zones at that hour; else of all.
means as (
    select
        *,
        {%- for group in groups %}
        {%- set count, persons = group ~ '_measured_count', group ~ '_measured_persons' %}
        multiIf(
            {{ count }} >= {{ least_persons }},
            {{ persons }} / {{ count }},
            sum({{ count }}) over same_hours >= {{ least_persons }},
            sum({{ persons }}) over same_hours / sum({{ count }}) over same_hours,
            sum({{ count }}) over all_zones >= {{ least_persons }},
            sum({{ persons }}) over all_zones / sum({{ count }}) over all_zones,
            sum({{ count }}) over () > 0,
            sum({{ persons }}) over () / sum({{ count }}) over (),
            null
        ) as {{ group }}_persons{{ ',' if not loop.last }}
        {%- endfor %}

    from flows
    window
        same_hours as (partition by origin_zone, destination_zone, local_hour, is_weekend),
        all_zones as (partition by local_hour, is_weekend)
),

derived as (
    select
        -- ids
        origin_zone,
        destination_zone,

        -- numerics
        local_date,
        local_hour,
        journey_count,
        toFloat64(journey_count * expansion) as vehicle_count,
        toFloat64(car_count * expansion) as car_count,
        toFloat64(expansion) as expansion,
        expansion_station_count,
        toUInt64(car_measured_count + other_measured_count) as measured_count,
        cast(expansion * (
            {%- for group in groups %}
            {{ '+ ' if not loop.first }}{{ group }}_measured_persons
            + if(
                means.{{ group }}_count > {{ group }}_measured_count,
                (means.{{ group }}_count - {{ group }}_measured_count) * {{ group }}_persons,
                0
            )
            {%- endfor %}
        ) as Nullable(Float64)) as persons,
        cast(
            if(
                measured_count >= journey_count * {{ threshold('persons_measured_share_min', 'plate_thresholds') }},
                'measured',
                'imputed'
            ) as LowCardinality(String)
        ) as persons_source

    from means
)

select * from derived
