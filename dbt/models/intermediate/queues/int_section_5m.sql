{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- Excess vehicles are those that would have left the section already had
    nothing slowed them: by Little's law their number is flow times delay. -#}

with

sections as (
    select * from {{ ref('int_sections') }}
),

bins as (
    select
        *,
        cast(speed_state as String) = 'measured' and speed_count > 0 as has_speed,
        if(has_speed, sum_pace_h_km / speed_count, 0) as pace_h_km

    from {{ ref('int_station_5m') }}
),

reference as (
    select station_id, 1 / free_speed_kmh as free_pace_h_km
    from {{ ref('int_station_reference') }}
),

matched as (
    select
        from_station_id,
        to_station_id,
        bin_start,
        match_count,
        sum_travel_ms / match_count / 3.6e6 as travel_h

    from {{ ref('int_plate_pairs_5m') }}
    where match_count >= 3
),

spot as (
    select
        sections.from_station_id as from_station_id,
        sections.to_station_id as to_station_id,
        sections.road as road,
        sections.direction as direction,
        sections.from_offset_m as from_offset_m,
        sections.to_offset_m as to_offset_m,
        sections.length_km as length_km,
        tail.bin_start as bin_start,
        tail.local_date as local_date,
        tail.local_minute as local_minute,
        cast(tail.count_state as String) = 'measured' as is_counted,
        tail.vehicle_count as vehicle_count,
        tail.pce_count as pce_count,
        tail.has_speed and {{ is_light_traffic('tail.pce_count', 'tail.lane_count', 'tail.pace_h_km') }} as is_light,
        tail.has_speed and head.has_speed as has_spot,
        (tail.pace_h_km + head.pace_h_km) / 2 * sections.length_km as spot_travel_h,
        (tail_free.free_pace_h_km + head_free.free_pace_h_km) / 2 * sections.length_km as spot_free_h

    from sections
    inner join bins as tail on sections.to_station_id = tail.station_id
    left join bins as head
        on sections.from_station_id = head.station_id
            and tail.bin_start = head.bin_start
    left join reference as tail_free on sections.to_station_id = tail_free.station_id
    left join reference as head_free on sections.from_station_id = head_free.station_id
),

both as (
    select
        spot.* except (from_station_id, to_station_id, bin_start),
        spot.from_station_id as from_station_id,
        spot.to_station_id as to_station_id,
        spot.bin_start as bin_start,
        matched.match_count as match_count,
        matched.travel_h as matched_travel_h,
        -- behind a bottleneck traffic is light while the section's queue stands
        quantileIf(0.4)(matched.travel_h, matched.match_count >= 5 and spot.is_light)
            over (partition by spot.from_station_id, spot.to_station_id) as light_travel_h,
        quantileIf(0.3)(matched.travel_h, matched.match_count >= 3)
            over (partition by spot.from_station_id, spot.to_station_id) as any_travel_h

    from spot
    left join matched
        on spot.from_station_id = matched.from_station_id
            and spot.to_station_id = matched.to_station_id
            and spot.bin_start = matched.bin_start
),

chosen as (
    select
        *,
        if(isFinite(light_travel_h) and light_travel_h > 0, light_travel_h, any_travel_h) as matched_free_h,
        match_count > 0 as is_matched,
        is_matched or has_spot as has_delay,
        multiIf(
            is_matched, greatest(0, matched_travel_h - matched_free_h),
            has_spot, greatest(0, spot_travel_h - spot_free_h),
            0
        ) as delay_h,
        multiIf(is_matched, matched_travel_h, has_spot, spot_travel_h, 0) as travel_h

    from both
),

measured as (
    select
        -- ids
        from_station_id,
        to_station_id,
        road,
        direction,

        -- numerics
        from_offset_m,
        to_offset_m,
        length_km,
        is_counted,
        has_delay,
        is_matched,
        match_count,
        vehicle_count,
        pce_count,
        delay_h,
        travel_h,
        vehicle_count * length_km as vehicle_km,
        vehicle_count * travel_h as vehicle_h,
        vehicle_count * delay_h as delay_vehicle_h,
        pce_count * 3600 / {{ var('bin_s') }} * delay_h as excess_pce,
        has_delay and delay_h * 3600 > {{ threshold('queue_wait_min_s') }} as is_queued,

        -- timestamps
        local_date,
        local_minute,
        bin_start

    from chosen
)

select * from measured
