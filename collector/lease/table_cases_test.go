package lease

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func session(t *table, id string, now time.Duration) {
	kr := sessionRecord(&gantryv1.SessionRecord{SessionId: id, AgentId: id, Capacity: 10})
	_, _ = t.apply(string(kr.Key), kr.Value, now)
}

func TestExpiryCountsFromTheEndOfASilence(t *testing.T) {
	tab := newTable(testTTL, 10)
	session(tab, "a", 0)
	session(tab, "b", 0)
	for now := time.Duration(0); now <= testTTL; now += testTTL / 3 {
		session(tab, "a", now) // b is silent, the topic is not.
	}
	if d := tab.decide(nil, 10, testTTL); len(d.expired) != 0 {
		t.Errorf("expired at one TTL sharp: %v", d.expired)
	}
	if d := tab.decide(nil, 10, testTTL+1); !slices.Equal(d.expired, []string{"b"}) {
		t.Errorf("expired %v, want b", d.expired)
	}
	// Kafka was away for an hour: nobody is to blame.
	tab.observe(time.Hour)
	if d := tab.decide(nil, 10, time.Hour+testTTL); len(d.expired) != 0 {
		t.Errorf("expired after a silence: %v", d.expired)
	}
	if d := tab.decide(nil, 10, time.Hour+testTTL+1); len(d.expired) != 2 {
		t.Errorf("expired %v one TTL after a silence, want both", d.expired)
	}
}

func TestApplyRefuses(t *testing.T) {
	tab := newTable(testTTL, 1)
	session(tab, "a", 0)
	b := sessionRecord(&gantryv1.SessionRecord{SessionId: "b"})
	for _, c := range []struct {
		key   string
		value []byte
		want  error
	}{
		{"nonsense", nil, errRecord},
		{"session/a", []byte{0xff}, errRecord},
		{"device/a", b.Value, errRecord},
		{"decider", b.Value, errRecord},
		{"session/b", b.Value, errFull},
	} {
		if _, err := tab.apply(c.key, c.value, 0); !errors.Is(err, c.want) {
			t.Errorf("apply(%s) = %v, want %v", c.key, err, c.want)
		}
	}
	if len(tab.sessions) != 1 || len(tab.devices) != 0 {
		t.Errorf("a refused record left a trace: %v", picture(tab))
	}
}

// TestNewSessionSupersedes: what is left of an agent that was killed holds
// nothing from the moment the agent is back.
func TestNewSessionSupersedes(t *testing.T) {
	tab := newTable(testTTL, 10)
	join := func(id, agent string, connected int64, now time.Duration, static ...string) {
		kr := sessionRecord(&gantryv1.SessionRecord{SessionId: id, AgentId: agent, Capacity: 10, ConnectedAtUs: connected, StaticDevices: static})
		if _, err := tab.apply(string(kr.Key), kr.Value, now); err != nil {
			t.Fatal(err)
		}
	}
	devices := func(now time.Duration) map[string]int {
		out := map[string]int{}
		d := tab.decide(names("d", 8), 10, now)
		for _, kr := range d.records() {
			if _, err := tab.apply(string(kr.Key), kr.Value, now); err != nil {
				t.Fatal(err)
			}
		}
		for _, a := range tab.agents() {
			out[a.SessionID] = int(a.Devices)
		}
		return out
	}
	want := func(now time.Duration, want map[string]int) {
		t.Helper()
		if got := devices(now); !maps.Equal(got, want) {
			t.Errorf("at %s the sessions hold %v, want %v", now, got, want)
		}
	}
	join("z", "one", 1, 0)
	join("b", "two", 1, 0)
	want(0, map[string]int{"z": 4, "b": 4})
	join("c", "one", 2, time.Second) // Killed and back.
	want(time.Second, map[string]int{"z": 0, "b": 4, "c": 4})
	join("z", "one", 1, 2*time.Second) // Not dead at all: two processes of one name.
	want(2*time.Second, map[string]int{"z": 0, "b": 4, "c": 4})
	join("d", "one", 2, 3*time.Second) // Of one moment: the greater id.
	want(3*time.Second, map[string]int{"z": 0, "b": 4, "c": 0, "d": 4})
	// The newer ones expire: the older one lives on.
	for now := 4 * time.Second; now <= 20*time.Second; now += 4 * time.Second {
		join("z", "one", 1, now)
		join("b", "two", 1, now)
	}
	want(20*time.Second, map[string]int{"z": 4, "b": 4})

	// By hand: the same.
	join("m", "three", 1, 20*time.Second, "d01", "d02")
	join("n", "three", 2, 20*time.Second, "d01", "d02")
	want(20*time.Second, map[string]int{"z": 3, "b": 3, "m": 0, "n": 2})
	held := tab.held(map[string]*Membership{"m": nil, "n": nil})
	if len(held["m"]) != 0 || len(held["n"]) != 2 {
		t.Errorf("static devices are held as %v, want d01 and d02 by n alone", held)
	}
	for _, l := range tab.leases() {
		if l.Static && l.SessionID != "n" {
			t.Errorf("lease %+v, want it with n", l)
		}
	}
}

func TestDevicesBeyondTheLimitStayUnassigned(t *testing.T) {
	tab := newTable(testTTL, 10)
	session(tab, "a", 0)
	d := tab.decide(names("d", 9), 5, 0)
	if d.assigned != 5 || d.unassigned != 4 {
		t.Errorf("assigned %d, unassigned %d; want 5 and 4", d.assigned, d.unassigned)
	}
}

// TestChangesMerge lets a reader come and go at random: whatever it missed,
// it knows the last state after reading what there is.
func TestChangesMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := &Membership{changes: make(chan Change, 1)}
		told, drained := map[string]uint64{}, false
		read := func() {
			select {
			case c := <-ms.changes:
				for _, d := range c.Revoked {
					if _, held := told[d]; !held {
						t.Fatalf("%s revoked, but never granted", d)
					}
					delete(told, d)
				}
				for _, g := range c.Granted {
					told[g.DeviceID] = g.Term
				}
				drained = c.Drain
			default:
			}
		}
		var now map[string]uint64
		drain := false
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = rapid.MapOfN(rapid.SampledFrom(names("d", 4)), rapid.Uint64Range(1, 3), 0, 4).Draw(t, "state")
			drain = drain || rapid.IntRange(0, 9).Draw(t, "drain") == 0
			ms.publish(now, drain)
			if rapid.Bool().Draw(t, "read") {
				read()
			}
		}
		read()
		if !(len(told) == 0 && len(now) == 0) && !reflect.DeepEqual(told, now) || drained != drain {
			t.Fatalf("reader knows %v drain %v, it is %v drain %v", told, drained, now, drain)
		}
	})
}
