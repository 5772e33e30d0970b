//go:build !crashpoints

package main

// crasher returns nil: only builds with the tag crashpoints can be made to
// crash, so that no environment variable kills an agent in service.
func crasher() func(point string) { return nil }
