// Package clickhousetest gives tests the real ClickHouse engine.
//
// A test package says so once:
//
//	func TestMain(m *testing.M) { clickhousetest.Main(m) }
//
// and each test that calls Start has the package's one server to itself until
// it ends, with empty databases raw and live (migrated), staging, serving and
// enforcement. The server starts with the first such test (one second) and ends with the
// package.
package clickhousetest
