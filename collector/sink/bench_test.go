package sink

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka"
)

// benchDevices is a corridor's worth.
const benchDevices = 72

// benchRecords gives n records, devices interleaved as live traffic has them.
func benchRecords(b *testing.B, n int) []*kgo.Record {
	b.Helper()
	now := time.UnixMicro(day0)
	records := make([]*kgo.Record, n)
	for i := range records {
		device := fmt.Sprintf("m1-north-%02d-speed", i%benchDevices)
		seq := uint64(i/benchDevices + 1)
		value := reading(b, device, uint32(day0/dayUS)<<17, seq, day0+int64(seq)*1000)
		records[i] = &kgo.Record{Topic: kafka.TopicReading, Partition: int32(i % 6), Offset: int64(i), Timestamp: now, Value: value}
	}
	return records
}

// BenchmarkDecode: records into columns.
func BenchmarkDecode(b *testing.B) {
	records := benchRecords(b, 100_000)
	rows := newReadings(testKey, 90)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(records) == 0 {
			rows.reset()
		}
		if err := rows.add(records[i%len(records)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInsert: records into columns into ClickHouse, without Kafka. One
// iteration is one reading; cpu_us is this process's share alone.
func BenchmarkInsert(b *testing.B) {
	server := clickhousetest.Start(b)
	conn, err := clickhouse.Dial(b.Context(), server.Config(clickhousetest.Collector))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	records := benchRecords(b, 100_000)
	rows := newReadings(testKey, 90)
	b.ResetTimer()
	begin, cpu := time.Now(), cpuTime()
	for done := 0; done < b.N; {
		rows.reset()
		batch := records[:min(len(records), b.N-done)]
		for _, r := range batch {
			if err := rows.add(r); err != nil {
				b.Fatal(err)
			}
		}
		done += len(batch)
		for _, t := range rows.tables() {
			body := "INSERT INTO " + t.name + " " + t.input.Columns() + " VALUES"
			if err := conn.Do(b.Context(), ch.Query{Body: body, Input: t.input}); err != nil {
				b.Fatal(err)
			}
		}
	}
	report(b, begin, cpu)
}

// BenchmarkSink: the whole sink on what waits in Kafka. kfake runs in this
// process, so cpu_us has its share too.
func BenchmarkSink(b *testing.B) {
	s := newStack(b)
	const most = 100_000
	records := benchRecords(b, most)
	for done := 0; done < b.N; {
		batch := make([]*kgo.Record, min(most, b.N-done))
		for i := range batch {
			batch[i] = &kgo.Record{Topic: kafka.TopicBackfill, Key: fmt.Appendf(nil, "%d", i%benchDevices), Value: records[i].Value}
		}
		if err := s.client.ProduceSync(b.Context(), batch...).FirstErr(); err != nil {
			b.Fatal(err)
		}
		done += len(batch)
	}
	cfg := DefaultConfig(kafka.DefaultClientConfig(s.broker), s.ch.Config(clickhousetest.Collector), testKey)
	b.ResetTimer()
	begin, cpu := time.Now(), cpuTime()
	_, stop := s.run(b, cfg)
	s.awaitCommitted(b, kafka.GroupSinkBackfill, kafka.TopicBackfill)
	report(b, begin, cpu)
	b.StopTimer()
	stop()
}

func report(b *testing.B, begin time.Time, cpu time.Duration) {
	b.ReportMetric(float64(b.N)/time.Since(begin).Seconds(), "readings/s")
	b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/1000/float64(b.N), "cpu_us/reading")
}

func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
