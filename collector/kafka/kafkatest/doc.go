// Package kafkatest gives tests a broker: Fake in memory, FakeAt on disk,
// Apache the real one, Both one after the other. Each listens on a free port
// and is gone when the test ends.
package kafkatest
