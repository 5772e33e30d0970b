{{ config(materialized='table', order_by=['from_station_id'], query_settings={'join_use_nulls': 0}) }}

with

cameras as (
    select * from {{ ref('int_plate_stations') }}
    where has_camera
),

-- Each camera and the next on its way; on a ring the last and the first.
pairs as (
    select
        here.station_id as from_station_id,
        there.station_id as to_station_id,
        here.road as road,
        here.direction as direction,
        here.offset_m as from_offset_m,
        toUInt32(
            toInt64(there.offset_m) - here.offset_m + if(there.offset_m < here.offset_m, here.ring_length_m, 0)
        ) as length_m

    from cameras as here
    inner join cameras as there
        on here.way_no = there.way_no
    where there.camera_no = here.camera_no + 1
        or (
            here.ring_length_m > 0
            and there.camera_no = 1
            and here.camera_no > 1
            and here.camera_no = (select max(c.camera_no) from cameras as c where c.way_no = here.way_no)
        )
)

select * from pairs
