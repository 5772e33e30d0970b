{{
    config(
        materialized='table',
        order_by=['station_id', 'bin_start'],
        query_settings={'join_use_nulls': 0},
    )
}}

{%- set bin_s = var('bin_s') %}
{%- set instruments = [('counter', 'counter'), ('camera', 'speed'), ('toll', 'toll')] %}

-- The columns of a loop look less indented to sqlfluff.
-- noqa: disable=LT02

with

equivalents as (
    select
        vehicle_class,
        toUInt64(round(equivalent * 100)) as equivalent_hundredths,
        is_heavy

    from {{ ref('passenger_car_equivalents') }}
),

flow as (
    select
        station_id,
        bin_start,
        sum(parts.counter_count) as counter_count,
        sumIf(parts.counter_count, is_heavy) as heavy_count,
        sum(parts.counter_count * equivalent_hundredths) as sum_equivalent_hundredths,
        sum(parts.counter_covered_ms) as covered_ms,
        {%- for name in ['counter', 'camera'] %}
        sum(parts.{{ name }}_speed_count) as {{ name }}_speed_count,
        sum(parts.{{ name }}_sum_speed_m_h) as {{ name }}_sum_speed_m_h,
        sum(parts.{{ name }}_sum_speed_squared_m2_h2) as {{ name }}_sum_speed_squared_m2_h2,
        sum(parts.{{ name }}_sum_pace_us_km) as {{ name }}_sum_pace_us_km,
        {%- endfor %}
        sum(parts.camera_count) as camera_count,
        sum(parts.toll_count) as toll_count,
        sum(parts.toll_sum_persons) as toll_sum_persons,
        sum(parts.toll_single_count) as toll_single_count,
        max(parts.last_inserted_at) as last_inserted_at

    from {{ ref('int_station_flow_5m') }} as parts
    left join equivalents
        on parts.vehicle_class = equivalents.vehicle_class
    where station_id != ''
    group by station_id, bin_start
),

-- From the station's first to its last day with a reading, empty bins
-- included, up to the newest bin that any device reported on. A clock that is
-- ahead does not make a newest bin: what it stamped was stored before.
spans as (
    select
        station_id,
        toUnixTimestamp(toStartOfDay(min(bin_start))) as begin_s,
        greatest(
            toUnixTimestamp(max(bin_start)),
            least(
                toUnixTimestamp(toStartOfDay(max(bin_start))) + 86400 - {{ bin_s }},
                (select toUnixTimestamp(maxIf(bin_start, bin_start <= last_inserted_at)) from flow)
            )
        ) as last_s

    from flow
    group by station_id
),

bins as (
    select
        station_id,
        toDateTime(arrayJoin(range(begin_s, last_s + 1, {{ bin_s }})), 'UTC') as bin_start

    from spans
),

versions as (
    select * from {{ ref('int_station_versions') }}
),

standing as (
    select
        station_id,
        {%- for name, kind in instruments %}
        groupArrayIf((valid_from, valid_to), kind = '{{ kind }}') as {{ name }}_times{{ ',' if not loop.last }}
        {%- endfor %}

    from {{ ref('int_device_versions') }}
    group by station_id
),

sick as (
    select
        station_id,
        day,
        {%- for name, kind in instruments %}
        countIf(kind = '{{ kind }}') as {{ name }}_sick_count{{ ',' if not loop.last }}
        {%- endfor %}

    from {{ ref('int_device_health') }}
    where state != 'healthy'
    group by station_id, day
),

filled as (
    select
        bins.station_id as station_id,
        bins.bin_start as bin_start,
        versions.road as road,
        versions.direction as direction,
        versions.offset_m as offset_m,
        versions.link_id as link_id,
        versions.lane_count as lane_count,
        versions.limit_kmh as limit_kmh,
        {%- for name, kind in instruments %}
        arrayExists(
            t -> bins.bin_start < t.2 and bins.bin_start + {{ bin_s }} > t.1, standing.{{ name }}_times
        ) and sick.{{ name }}_sick_count = 0 as has_{{ name }},
        {%- endfor %}
        flow.* except (station_id, bin_start, last_inserted_at)

    from bins
    left join flow
        on bins.station_id = flow.station_id
            and bins.bin_start = flow.bin_start
    left join standing
        on bins.station_id = standing.station_id
    left join sick
        on bins.station_id = sick.station_id
            and toDate(bins.bin_start) = sick.day
    left asof join versions
        on bins.station_id = versions.station_id
            and bins.bin_start >= versions.valid_from
),

-- What each instrument and the others beside it reported within half an hour.
around as (
    select
        *,
        {%- for name, kind in instruments %}
        sum({{ name }}_count) over half_hours as {{ name }}_around_count,
        countIf({{ name }}_count > 0) over half_hours as {{ name }}_busy_bin_count{{ ',' if not loop.last }}
        {%- endfor %}

    from filled
    window half_hours as (
        partition by station_id
        order by bin_start
        rows between {{ 1800 // bin_s }} preceding and {{ 1800 // bin_s }} following
    )
),

-- A sick instrument is as good as none. One that reports nothing in a bin saw
-- no vehicle, or nothing at all. The others at the station tell; where there is none, so does its own
-- traffic, unless that is so thin that a bin may well be empty.
states as (
    select
        *,
        {%- for name, kind in instruments %}
        {%- set others = instruments | map('first') | reject('eq', name) | list %}
        multiIf(
            not has_{{ name }} or {{ name }}_around_count = 0,
            'missing',
            {{ name }}_count > 0,
            'measured',
            {{ others | join('_around_count + ') }}_around_count > 0,
            if(
                {{ others | join('_count + ') }}_count
                >= {{ health_threshold('gap_others_min_veh') }},
                'missing',
                'empty'
            ),
            {{ name }}_around_count >= {{ name }}_busy_bin_count
            * {{ health_threshold('gap_own_min_veh_per_bin') }},
            'missing',
            'empty'
        ) as {{ name }}_state{{ ',' if not loop.last }}
        {%- endfor %}

    from around
),

-- The camera speaks where there is one that works, else the counter: not by
-- what reported in a bin, or a bin's speed would change its meaning with every
-- missed vehicle. Speeds and persons that cannot be believed are left out.
chosen as (
    select
        *,
        if(camera_state != 'missing', 'camera', 'counter') as source,
        {%- for part in ['speed_count', 'sum_speed_m_h', 'sum_speed_squared_m2_h2', 'sum_pace_us_km'] %}
        if(source = 'camera', camera_{{ part }}, counter_{{ part }}) as source_{{ part }},
        {%- endfor %}
        if(source = 'camera', camera_state, counter_state) as source_state,
        if(source_state = 'measured' and source_speed_count = 0, 'missing', source_state) as speed_state,
        speed_state = 'measured' as has_speed,
        toll_state = 'measured' as has_toll_parts

    from states
),

facts as (
    select
        -- ids
        station_id,
        link_id,
        road,
        direction,

        -- numerics
        {{ local_date('bin_start') }} as local_date,
        {{ local_minute('bin_start') }} as local_minute,
        offset_m,
        lane_count,
        limit_kmh,
        counter_count as vehicle_count,
        heavy_count,
        sum_equivalent_hundredths / 100 as pce_count,
        covered_ms,
        if(has_speed, source_speed_count, 0) as speed_count,
        if(has_speed, source_sum_speed_m_h, 0) / 1e3 as sum_speed_kmh,
        if(has_speed, source_sum_speed_squared_m2_h2, 0) / 1e6 as sum_speed_squared_km2_h2,
        if(has_speed, source_sum_pace_us_km, 0) / 3.6e9 as sum_pace_h_km,
        if(has_toll_parts, chosen.toll_count, 0) as toll_count,
        if(has_toll_parts, chosen.toll_sum_persons, 0) as toll_sum_persons,
        if(has_toll_parts, chosen.toll_single_count, 0) as toll_single_count,
        cast(
            if(counter_state = 'missing', 'missing', 'measured') as LowCardinality(String)
        ) as count_state,
        cast(speed_state as LowCardinality(String)) as speed_state,
        cast(source as LowCardinality(String)) as speed_source,
        cast(if(toll_state = 'missing', 'missing', 'measured') as LowCardinality(String)) as toll_state,

        -- timestamps
        bin_start

    from chosen
)

select * from facts
