//go:build !crashpoints

package main

// crashHook is nil: only builds for fault tests can be told to crash.
func crashHook() func(point string) { return nil }
