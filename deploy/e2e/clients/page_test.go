package clients_test

import (
	"os"
	"regexp"
	"strings"
	"time"
)

// marked are the blocks of the page that runPage runs.
var marked = regexp.MustCompile("(?s)<!-- a test runs exactly these lines -->\n```sh\n(.*?)```")

// runPage runs the marked lines of the page as they are printed, but for the
// addresses and folders, which are the test's own.
func (s *stack) runPage() {
	t := s.t
	t.Helper()
	page, err := os.ReadFile(clients + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := marked.FindAllSubmatch(page, -1)
	if len(blocks) != 3 {
		t.Fatalf("the page has %d blocks marked to be run, want 3", len(blocks))
	}
	own := strings.NewReplacer("127.0.0.1:50051", s.grpcAddr, ".gantry/secrets/", s.dir+"/", ".gantry/", s.dir+"/", "bin/", s.dir+"/")
	var said strings.Builder
	for _, b := range blocks {
		cmd := command(t, "bash", "-euo", "pipefail", "-c", own.Replace(string(b[1])))
		cmd.Dir = root
		cmd.Env = append(cmd.Env, "GANTRY_KAFKA_BROKERS="+s.kafkaAddr)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s\nof\n%s", err, out, b[1])
		}
		said.Write(out)
	}
	for _, want := range []string{
		"2 stations, 5 devices", `"deviceId": "camera-1"`, `"sessionId"`, `"code": "REJECT_CODE_IMPOSSIBLE_FIELD"`,
		"lane is 9, outside 1 to 3", `"ended": true`, `"stationId": "north-1"`, "counter-1 epoch=", "seq=101\n",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the page's lines do not show %s:\n%s", want, said.String())
		}
	}
	eventually(t, 30*time.Second, "the page's readings are in ClickHouse", func() (bool, string) {
		camera := s.clickhouse.Count(t, `SELECT count() FROM raw.readings FINAL WHERE device_id = 'camera-1' AND seq = 1 AND speed_tenth_kmh = 1134`)
		counter := s.clickhouse.Count(t, `SELECT count() FROM raw.readings FINAL WHERE device_id = 'counter-1' AND seq BETWEEN 1 AND 100`)
		rejects := s.clickhouse.Count(t, `SELECT count() FROM raw.rejects FINAL WHERE device_id = 'camera-1' AND seq = 2`)
		return camera == 1 && counter == 100 && rejects == 1, ""
	})
}
