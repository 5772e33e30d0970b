{{
    config(
        materialized='table',
        order_by=['station_id', 'hour_start'],
        query_settings={'join_use_nulls': 0},
    )
}}

{#- Sums in thousandths and the like are whole numbers, which add up to the
    same in any order. -#}
{%- set bins_per_h = 3600 // var('bin_s') %}

with

bins as (
    select
        *,
        toUInt8(intDiv(local_minute, 60)) as local_hour,
        -- the moment the local hour began: UTC and not the wall clock, so that
        -- an hour the clocks repeat is two
        bin_start - 60 * (local_minute % 60) as hour_start,
        count_state = 'measured' as is_counted,
        speed_state != 'missing' as is_timed,
        is_counted and is_timed as is_dense

    from {{ ref('int_station_5m') }}
),

hours as (
    select
        station_id,
        hour_start,
        any(local_date) as local_date,
        any(local_hour) as local_hour,
        argMax(link_id, bin_start) as link_id,
        argMax(road, bin_start) as road,
        argMax(direction, bin_start) as direction,
        argMax(offset_m, bin_start) as offset_m,
        argMax(lane_count, bin_start) as lane_count,
        argMax(limit_kmh, bin_start) as limit_kmh,
        countIf(is_counted) as measured_bin_count,
        countIf(is_timed) as speed_bin_count,
        sum(bins.vehicle_count) as vehicle_count,
        sumIf(bins.vehicle_count, is_counted) as measured_vehicle_count,
        sumIf(bins.heavy_count, is_counted) as measured_heavy_count,
        sumIf(toUInt64(round(bins.pce_count * 100)), is_counted) / 100 as measured_pce_count,
        sumIf(bins.covered_ms, is_counted) as measured_covered_ms,
        sum(bins.speed_count) as speed_count,
        sum(toUInt64(round(bins.sum_speed_kmh * 1e3))) / 1e3 as sum_speed_kmh,
        sum(toUInt64(round(bins.sum_speed_squared_km2_h2 * 1e6))) / 1e6 as sum_speed_squared_km2_h2,
        sum(toUInt64(round(bins.sum_pace_h_km * 3.6e9))) / 3.6e9 as sum_pace_h_km,
        sumIf(toUInt64(round(bins.pce_count * 100)), is_dense) / 100 as density_pce_count,
        sumIf(bins.lane_count, is_dense) / {{ bins_per_h }} as density_lane_h,
        sumIf(bins.speed_count, is_dense) as density_speed_count,
        sumIf(toUInt64(round(bins.sum_pace_h_km * 3.6e9)), is_dense) / 3.6e9 as density_sum_pace_h_km,
        sum(bins.toll_count) as toll_count,
        sum(bins.toll_sum_persons) as toll_sum_persons,
        sum(bins.toll_single_count) as toll_single_count

    from bins
    group by station_id, hour_start
),

-- Persons are counted at toll gantries. Elsewhere they are those of the same
-- road and direction in that hour, else of the network in that hour, else of
-- that hour of the day at large.
roads as (
    select road, direction, hour_start, sum(toll_sum_persons) / sum(toll_count) as ratio
    from hours
    where toll_count > 0
    group by road, direction, hour_start
),

networks as (
    select hour_start, sum(toll_sum_persons) / sum(toll_count) as ratio
    from hours
    where toll_count > 0
    group by hour_start
),

usual as (
    select local_hour, sum(toll_sum_persons) / sum(toll_count) as ratio
    from hours
    where toll_count > 0
    group by local_hour
),

peopled as (
    select
        -- ids
        hours.station_id as station_id,
        hours.link_id as link_id,
        hours.road as road,
        hours.direction as direction,

        -- numerics
        hours.local_date as local_date,
        hours.local_hour as local_hour,
        {%- for column in [
            'offset_m', 'lane_count', 'limit_kmh', 'measured_bin_count', 'speed_bin_count', 'vehicle_count',
            'measured_vehicle_count', 'measured_heavy_count', 'measured_pce_count', 'measured_covered_ms',
            'speed_count', 'sum_speed_kmh', 'sum_speed_squared_km2_h2', 'sum_pace_h_km', 'density_pce_count',
            'density_lane_h', 'density_speed_count', 'density_sum_pace_h_km', 'toll_count', 'toll_sum_persons',
            'toll_single_count',
        ] %}
        hours.{{ column }} as {{ column }},
        {%- endfor %}
        toUInt8(arrayCount(
            k -> intDiv({{ local_minute('hours.hour_start + k * ' ~ var('bin_s')) }}, 60) = hours.local_hour,
            range({{ bins_per_h }})
        )) as expected_bin_count,
        multiIf(
            hours.toll_count > 0, hours.toll_sum_persons / hours.toll_count,
            roads.ratio > 0, roads.ratio,
            networks.ratio > 0, networks.ratio,
            usual.ratio
        ) as persons_ratio,
        round(hours.measured_vehicle_count * persons_ratio, 3) as person_count,
        cast(
            multiIf(hours.toll_count > 0, 'measured', persons_ratio > 0, 'imputed', 'unknown')
            as LowCardinality(String)
        ) as persons_source,

        -- timestamps
        hours.hour_start as hour_start

    from hours
    left join roads
        on hours.road = roads.road
            and hours.direction = roads.direction
            and hours.hour_start = roads.hour_start
    left join networks
        on hours.hour_start = networks.hour_start
    left join usual
        on hours.local_hour = usual.local_hour
)

select * from peopled
