{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- What is known of each pair of zones on a workday: cars, how far they go, and
    how much longer a bus takes. -#}

with

{{ threshold('public_transport_end_pieces_km') }} as end_pieces_km,

days as (
    select local_date
    from {{ ref('int_evaluation_days') }}
    where is_workday
),

bins as (
    select
        station_id,
        bin_start,
        road,
        direction,
        offset_m,
        local_minute,
        if(count_state = 'measured', vehicle_count, 0) as vehicle_count

    from {{ ref('int_station_5m') }}
    where local_date in (select local_date from days)
),

counted as (
    select
        station_id,
        sum(vehicle_count) as vehicle_count

    from bins
    group by station_id
),

sighted as (
    select
        *,
        sum(vehicle_count) over (partition by station_id) as station_count

    from (
        select
            flow.station_id as station_id,
            flow.origin_zone as origin_zone,
            flow.destination_zone as destination_zone,
            any(bins.road) as road,
            any(bins.direction) as direction,
            any(bins.offset_m) as offset_m,
            sum(flow.car_count) as car_count,
            sum(flow.vehicle_count) as vehicle_count

        from {{ ref('int_od_flow_5m') }} as flow
        inner join bins
            on flow.station_id = bins.station_id
                and flow.bin_start = bins.bin_start
        group by flow.station_id, flow.origin_zone, flow.destination_zone
    )
),

-- Cameras miss some: the counter beside says how many.
expanded as (
    select
        sighted.*,
        sighted.car_count * greatest(1, counted.vehicle_count / sighted.station_count) as expanded_car_count

    from sighted
    left join counted on sighted.station_id = counted.station_id
),

split as ({{ split_zones('expanded', ['road', 'direction', 'offset_m'], ['expanded_car_count']) }}),

roads as (
    select
        origin_zone,
        destination_zone,
        road,
        direction,
        max(expanded_car_count) as car_count,
        (max(offset_m) - min(offset_m)) / 1000 as length_km

    from split
    group by origin_zone, destination_zone, road, direction
),

paces as (
    select
        sumIf(camera_sum_pace_us_km, vehicle_class = 'car') / sumIf(camera_speed_count, vehicle_class = 'car') / 3.6e9 as car_pace_h_km,
        sumIf(camera_sum_pace_us_km, vehicle_class = 'bus') / sumIf(camera_speed_count, vehicle_class = 'bus') / 3.6e9 as bus_pace_h_km

    from {{ ref('int_station_flow_5m') }}
    where toDate(bin_start) in (select local_date from days)
),

pairs as (
    select
        -- ids
        origin_zone,
        destination_zone,
        argMax(road, length_km) as main_road,
        argMax(direction, length_km) as main_direction,

        -- numerics
        max(car_count) / assumeNotNull((select count() from days)) as cars_per_workday,
        sum(length_km) + end_pieces_km as distance_km,
        distance_km * greatest(0, any(paces.bus_pace_h_km) - any(paces.car_pace_h_km)) as bus_extra_h,
        distance_km * any(paces.bus_pace_h_km) as bus_h

    from roads
    cross join paces
    where origin_zone != ''
        and destination_zone != ''
        and origin_zone != destination_zone
    group by origin_zone, destination_zone
)

select * from pairs
