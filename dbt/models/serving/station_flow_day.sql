{{ config(order_by=['station_id', 'local_date']) }}

with

days as (
    select
        station_id,
        local_date,
        argMax(hours.link_id, hour_start) as link_id,
        argMax(hours.road, hour_start) as road,
        argMax(hours.direction, hour_start) as direction,
        argMax(hours.offset_m, hour_start) as offset_m,
        argMax(hours.lane_count, hour_start) as lane_count,
        argMax(hours.limit_kmh, hour_start) as limit_kmh,
        {{ bins_of_local_date('local_date') }} as expected_bin_count,
        {%- for column in [
            'measured_bin_count', 'speed_bin_count', 'vehicle_count', 'measured_vehicle_count', 'measured_heavy_count',
            'measured_covered_ms', 'speed_count', 'density_speed_count', 'toll_count', 'toll_sum_persons', 'toll_single_count',
        ] %}
        sum(hours.{{ column }}) as {{ column }},
        {%- endfor %}
        -- whole numbers add up to the same in any order
        {%- for column, scale in [
            ('measured_pce_count', '1e2'), ('sum_speed_kmh', '1e3'), ('sum_speed_squared_km2_h2', '1e6'),
            ('sum_pace_h_km', '3.6e9'), ('density_pce_count', '1e2'), ('density_lane_h', '3600'),
            ('density_sum_pace_h_km', '3.6e9'), ('person_count', '1e3'),
        ] %}
        sum(toUInt64(round(hours.{{ column }} * {{ scale }}))) / {{ scale }} as {{ column }},
        {%- endfor %}
        multiIf(
            countIf(persons_source = 'imputed' and hours.measured_vehicle_count > 0) > 0, 'imputed',
            countIf(persons_source = 'measured') > 0, 'measured',
            'unknown'
        ) as persons_from

    from {{ ref('int_station_hour') }} as hours
    group by station_id, local_date
),

derived as (
    select
        -- ids
        station_id,
        link_id,
        road,
        direction,

        -- numerics
        local_date,
        offset_m,
        lane_count,
        limit_kmh,
        expected_bin_count,
        toUInt16(measured_bin_count) as measured_bin_count,
        toUInt16(speed_bin_count) as speed_bin_count,
        vehicle_count,
        measured_vehicle_count,
        measured_heavy_count,
        measured_pce_count,
        measured_covered_ms,
        speed_count,
        sum_speed_kmh,
        sum_speed_squared_km2_h2,
        sum_pace_h_km,
        toll_count,
        toll_sum_persons,
        toll_single_count,
        person_count,
        cast(persons_from as LowCardinality(String)) as persons_source,
        {{ station_ratios() }}

    from days
)

select * from derived
