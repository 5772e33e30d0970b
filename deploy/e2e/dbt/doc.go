// Package dbt holds the tests of the dbt project against the real ClickHouse
// engine: dbt's own data and unit tests, and what those cannot see, which is
// how the incremental tables fare over several runs.
package dbt
