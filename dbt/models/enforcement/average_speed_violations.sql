{{
    config(
        order_by=['to_observed_at'],
    )
}}

with

offences as (
    select * from {{ ref('int_section_offences') }}
),

from_health as (
    {{ calibration_days() }}
),

to_health as (
    {{ calibration_days() }}
),

violations as (
    select
        -- ids
        cast(offences.from_device_id as String) as from_device_id,
        from_epoch,
        from_seq,
        cast(offences.to_device_id as String) as to_device_id,
        to_epoch,
        to_seq,
        plate_token,
        plate_key_id,
        from_station_id,
        to_station_id,
        road,
        direction,

        -- numerics
        vehicle_class,
        length_m,
        travel_us / 1e6 as travel_s,
        average_m_h / 1000 as measured_speed_kmh,
        limit_kmh,
        tolerance_m_h / 1000 as tolerance_kmh,
        (average_m_h - tolerance_m_h) / 1000 as enforceable_speed_kmh,
        (average_m_h - tolerance_m_h - limit_kmh * 1000) / 1000 as over_kmh,
        cast(if(from_health.state = '', 'unknown', from_health.state) as LowCardinality(String)) as from_calibration_state,
        cast(if(to_health.state = '', 'unknown', to_health.state) as LowCardinality(String)) as to_calibration_state,
        from_confidence_percent,
        to_confidence_percent,
        toBool(coalesce(
            from_calibration_state = 'healthy'
            and to_calibration_state = 'healthy'
            and least(from_confidence_percent, to_confidence_percent)
            >= {{ threshold('plate_confidence_min_percent', 'enforcement_thresholds') }}
            and average_m_h <= {{ var('plausible_speed_max_kmh') }} * 1000
            and plate_token is not null,
            false
        )) as is_usable,

        -- timestamps
        from_observed_at,
        observed_at as to_observed_at

    from offences
    left join from_health
        on offences.from_device_id = from_health.device_id
            and toDate(offences.from_observed_at) = from_health.day
    left join to_health
        on offences.to_device_id = to_health.device_id
            and toDate(offences.observed_at) = to_health.day
)

select * from violations
