{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by='toDate(bin_start)',
        order_by=['station_id', 'bin_start', 'lane', 'vehicle_class'],
        on_schema_change='fail',
        query_settings={
            'join_use_nulls': 0,
            'max_partitions_per_insert_block': 0,
            'max_bytes_before_external_group_by': 536870912,
        },
    )
}}

{#- Sums are of whole numbers, so that their value depends on no order of
    adding and a rebuild gives the very same table as the increments did. -#}
{%- set days = stale_days_of_readings() -%}
{%- set speed_max_m_h = var('plausible_speed_max_kmh') * 1000 -%}

with

devices as (
    select * from {{ ref('int_device_versions') }}
),

-- One row per minute of the local day, so that one lookup finds what holds at
-- a minute and, of that, the newest.
tariffs as (
    select
        station_id,
        vehicle_class,
        arrayJoin(range(from_minute, to_minute)) as minute,
        charge_cents,
        valid_from

    from {{ ref('stg_tariffs') }}
),

readings as (
    {%- set common = 'device_id, lane, vehicle_class, is_implausible, observed_at, inserted_at' %}
    select
        'counter' as instrument,
        {{ common }},
        length_m,
        covered_ms,
        toFloat64(0) as speed_kmh,
        toUInt8(0) as persons,
        toUInt32(0) as charge_cents,
        false as is_unidentified

    from {{ ref('stg_counter_readings') }}
    where {{ within_days('observed_at', days) }}

    union all

    select
        'camera' as instrument, {{ common }}, 0, 0, speed_kmh, 0, 0, false

    from {{ ref('stg_speed_readings') }}
    where {{ within_days('observed_at', days) }}

    union all

    select
        'toll' as instrument, {{ common }}, 0, 0, 0, persons, charge_cents, plate_token is null

    from {{ ref('stg_toll_readings') }}
    where {{ within_days('observed_at', days) }}
),

housed as (
    select
        readings.*,
        devices.station_id as station_id,
        devices.loop_length_m as loop_length_m,
        if(instrument = 'toll', {{ local_minute('observed_at') }}, 1440) as minute

    from readings
    left asof join devices
        on readings.device_id = devices.device_id
            and readings.observed_at >= devices.valid_from
),

-- One flag and one number per reading: which instrument's sums it enters, and
-- its speed, 0 where it has none that can be believed.
measured as (
    select
        housed.station_id as station_id,
        housed.lane as lane,
        housed.vehicle_class as vehicle_class,
        toStartOfFiveMinutes(housed.observed_at) as bin_start,
        instrument = 'counter' as is_counter,
        instrument = 'camera' as is_camera,
        instrument = 'toll' as is_toll,
        covered_ms,
        -- m/ms = 3.6e6 m/h; a vehicle covers the loop from its front's arrival
        -- to its rear's departure, that is over its own length and the loop's
        round(
            if(is_counter, (length_m + loop_length_m) * 3600000 / covered_ms, speed_kmh * 1000)
        ) as measured_m_h,
        if(
            measured_m_h between 1 and {{ speed_max_m_h }}, toUInt64(measured_m_h), 0
        ) as speed_m_h,
        if(speed_m_h > 0, toUInt64(round(3.6e12 / speed_m_h)), 0) as pace_us_km,
        persons,
        housed.charge_cents as charge_cents,
        tariffs.charge_cents as tariff_cents,
        is_unidentified,
        is_implausible,
        inserted_at

    from housed
    left asof join tariffs
        on housed.station_id = tariffs.station_id
            and housed.vehicle_class = tariffs.vehicle_class
            and housed.minute = tariffs.minute
            and housed.observed_at >= tariffs.valid_from
),

binned as (
    select
        -- ids
        station_id,
        lane,
        vehicle_class,

        -- numerics
        countIf(is_counter) as counter_count,
        sumIf(covered_ms, is_counter) as counter_covered_ms,
        countIf(is_counter and speed_m_h > 0) as counter_speed_count,
        sumIf(speed_m_h, is_counter) as counter_sum_speed_m_h,
        sumIf(speed_m_h * speed_m_h, is_counter) as counter_sum_speed_squared_m2_h2,
        sumIf(pace_us_km, is_counter) as counter_sum_pace_us_km,
        countIf(is_camera) as camera_count,
        countIf(is_camera and speed_m_h > 0) as camera_speed_count,
        sumIf(speed_m_h, is_camera) as camera_sum_speed_m_h,
        sumIf(speed_m_h * speed_m_h, is_camera) as camera_sum_speed_squared_m2_h2,
        sumIf(pace_us_km, is_camera) as camera_sum_pace_us_km,
        countIf(is_toll) as toll_count,
        sum(persons) as toll_sum_persons,
        countIf(is_toll and persons = 1) as toll_single_count,
        countIf(is_unidentified) as toll_unidentified_count,
        sum(charge_cents) as toll_charge_cents,
        sum(tariff_cents) as toll_tariff_cents,
        countIf(charge_cents != tariff_cents) as toll_mismatch_count,
        sum(greatest(charge_cents, tariff_cents) - tariff_cents) as toll_overcharge_cents,
        countIf(is_implausible) as implausible_count,

        -- timestamps
        bin_start,
        max(inserted_at) as last_inserted_at,
        now('UTC') as computed_at

    from measured
    group by station_id, lane, vehicle_class, bin_start
)

select * from binned
