{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by='toDate(bin_start)',
        order_by=['station_id', 'bin_start', 'origin_zone', 'destination_zone'],
        on_schema_change='fail',
        query_settings={
            'join_use_nulls': 0,
            'max_partitions_per_insert_block': 0,
            'max_bytes_before_external_group_by': 268435456,
        },
    )
}}

{%- set days = stale_days_of_journey_bins() -%}

{#- Columns of the stations as constant arrays, by station_no; and the cameras
    of each way in the order of travel. -#}
{%- set network -%}
    (
        select cast(
            (
                groupArray(station_id), groupArray(way_no), groupArray(camera_no), groupArray(offset_m),
                groupArray(first_camera_no), groupArray(last_camera_no),
                arrayMap(
                    w -> arraySort(arrayFilter(c -> c.1 = w, groupArrayIf((way_no, camera_no, station_no), has_camera))).3,
                    range(1, max(way_no) + 1)
                )
            ) as Tuple(
                id Array(String), way Array(UInt16), camera Array(UInt16), offset_m Array(Int32),
                first Array(UInt16), last Array(UInt16), on_way Array(Array(UInt16))
            )
        )
        from (select * from {{ ref('int_plate_stations') }} order by station_no)
    )
{%- endset %}

with

journeys as (
    with {{ network }} as n

    select
        origin_zone,
        destination_zone,
        vehicle_class = 'car' as is_car,
        toll_count > 0 as is_measured,
        persons,
        toDate(last_at) as day,
        indexOf(n.id, first_station_id) as first_no,
        indexOf(n.id, last_station_id) as last_no,
        arrayMap(id -> indexOf(n.id, id), camera_station_ids) as nos,
        arrayMap(t -> toUnixTimestamp64Milli(t), camera_times) as times

    from {{ ref('int_journeys') }}
    where {{ within_days_or_next('last_at', days) }}
        and camera_count > 0
        and origin_zone != ''
        and destination_zone != ''
),

-- A camera that read nothing all day is not asked why it did not see a vehicle.
working as (
    with {{ network }} as n

    select
        day,
        groupUniqArrayArray(nos) as working_nos,
        arrayMap(of_way -> arrayFilter(no -> has(working_nos, no), of_way), n.on_way) as on_way

    from journeys
    group by day
),

-- Stretches of a journey along one way, ever downstream.
stretches as (
    with {{ network }} as n

    select
        journeys.*,
        working.on_way as on_way,
        arraySplit(
            (s, i) -> i > 1 and (
                n.way[nos[i]] != n.way[nos[i - 1]] or n.camera[nos[i]] <= n.camera[nos[i - 1]]
            ),
            arrayZip(nos, times), arrayEnumerate(nos)
        ) as parts

    from journeys
    inner join working
        on journeys.day = working.day
),

-- Every working camera that such a stretch passes, the first from the entry
-- on, the last up to the exit. One that did not read the plate was passed at
-- a time in proportion between its neighbours, or with the only one it has.
passed as (
    with {{ network }} as n

    select
        *,
        arrayMap(
            (part, i) -> arrayFilter(
                no -> n.camera[no] >= if(
                        i = 1 and n.way[first_no] = n.way[part[1].1], n.first[first_no], n.camera[part[1].1]
                    )
                    and n.camera[no] <= if(
                        i = length(parts) and n.way[last_no] = n.way[part[1].1], n.last[last_no], n.camera[part[-1].1]
                    ),
                on_way[n.way[part[1].1]]
            ),
            parts, arrayEnumerate(parts)
        ) as passed_nos,
        arrayFlatten(arrayMap(
            (part, of_part) -> arrayMap(
                no -> (
                    no,
                    arrayCount(s -> n.camera[s.1] <= n.camera[no], part) as k,
                    multiIf(
                        k = 0, part[1].2,
                        k = length(part), part[-1].2,
                        part[k].2 + intDiv(
                            (part[k + 1].2 - part[k].2) * (n.offset_m[no] - n.offset_m[part[k].1]),
                            n.offset_m[part[k + 1].1] - n.offset_m[part[k].1]
                        )
                    )
                ),
                of_part
            ),
            parts, passed_nos
        )) as passes

    from stretches
),

corroborated as (
    with {{ network }} as n

    select
        n.id[pass.1] as station_id,
        origin_zone,
        destination_zone,
        toStartOfFiveMinutes(toDateTime(intDiv(pass.3, 1000), 'UTC')) as bin_start,
        is_car,
        has(nos, pass.1) as is_read,
        pass_no = 1 as is_begin,
        is_begin and is_measured as is_begin_measured,
        persons

    from passed
    array join
        passes as pass,
        arrayEnumerate(passes) as pass_no
    where length(nos) >= length(passes) * {{ threshold('corroborated_share_min', 'plate_thresholds') }}
),

binned as (
    select
        -- ids
        station_id,
        origin_zone,
        destination_zone,

        -- numerics
        count() as vehicle_count,
        countIf(is_car) as car_count,
        countIf(is_read) as read_count,
        countIf(is_begin) as begin_count,
        countIf(is_begin and is_car) as begin_car_count,
        countIf(is_begin_measured) as measured_count,
        countIf(is_begin_measured and is_car) as measured_car_count,
        sumIf(persons, is_begin_measured) as measured_persons,
        sumIf(persons, is_begin_measured and is_car) as measured_car_persons,
        any(days.next_stamp) as next_stamp,

        -- timestamps
        bin_start,
        any(days.computed_at) as computed_at

    from corroborated
    left join {{ ref('int_journey_days') }} as days
        on toDate(corroborated.bin_start) = days.day
    where {{ within_days('bin_start', days) }}
    group by station_id, origin_zone, destination_zone, bin_start
)

select * from binned
