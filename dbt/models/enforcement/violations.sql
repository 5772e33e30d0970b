{{
    config(
        order_by=['observed_at'],
    )
}}

with

offences as (
    select * from {{ ref('int_speed_offences') }}
),

health as (
    {{ calibration_days() }}
),

violations as (
    select
        -- ids
        cast(offences.device_id as String) as device_id,
        epoch,
        seq,
        plate_token,
        plate_key_id,
        station_id,
        road,
        direction,

        -- numerics
        lane,
        vehicle_class,
        speed_m_h / 1000 as measured_speed_kmh,
        limit_kmh,
        tolerance_m_h / 1000 as tolerance_kmh,
        (speed_m_h - tolerance_m_h) / 1000 as enforceable_speed_kmh,
        (speed_m_h - tolerance_m_h - limit_kmh * 1000) / 1000 as over_kmh,
        cast(if(health.state = '', 'unknown', health.state) as LowCardinality(String)) as calibration_state,
        confidence_percent,
        toBool(coalesce(
            calibration_state = 'healthy'
            and confidence_percent >= {{ threshold('plate_confidence_min_percent', 'enforcement_thresholds') }}
            and plate_token is not null
            and station_id != ''
            and not is_implausible
            and not is_clock_off,
            false
        )) as is_usable,

        -- timestamps
        observed_at

    from offences
    left join health
        on offences.device_id = health.device_id
            and toDate(offences.observed_at) = health.day
)

select * from violations
