// Package images holds the test of the container images: built twice to the
// same bytes, and run as ECS runs them, without root, capabilities and a
// writable root, against the embedded broker and ClickHouse.
//
// It needs podman and minutes, so it is make test-images and no part of make
// test, where it is skipped; what can be said of the Dockerfile by reading it
// is tested in deploy/e2e/delivery.
package images
