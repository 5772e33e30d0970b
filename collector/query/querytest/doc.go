// Package querytest gives tests of the query service a real ClickHouse whose
// serving and enforcement tables are made from dbt's contracts, with a little
// made-up content: dbt itself is not needed, and what a contract promises is
// what a table has.
package querytest
