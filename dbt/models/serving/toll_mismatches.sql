{{ config(materialized='view') }}

select *

from {{ ref('toll_reconciliation') }}
where mismatch_count > 0
