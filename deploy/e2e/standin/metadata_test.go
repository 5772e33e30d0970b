//go:build linux

package standin_test

import (
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"testing"
)

// endpoint is ECS's endpoint for tasks, version 4: the path tells them apart.
type endpoint struct {
	mu    sync.Mutex
	tasks map[string]taskMetadata // by the task's id
}

// taskMetadata is what ECS tells a task of itself, as far as it is used.
type taskMetadata struct {
	Cluster, TaskARN, Family, Revision string
	DesiredStatus, KnownStatus         string
	LaunchType                         string
}

// uri is what a task finds in ECS_CONTAINER_METADATA_URI_V4.
func (*endpoint) uri(id string) string {
	return "http://" + metadataAddress.String() + "/v4/" + id
}

// serveMetadata answers tasks until the test ends.
func serveMetadata(t *testing.T) *endpoint {
	t.Helper()
	m := &endpoint{tasks: map[string]taskMetadata{}}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", metadataAddress.String()+":80")
	if err != nil {
		t.Fatalf("the metadata endpoint: %v", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v4/{id}/task", m.answer)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: dialTimeout}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends with Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return m
}

func (m *endpoint) answer(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	task, ok := m.tasks[r.PathValue("id")]
	m.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(task) // the task went away meanwhile
}

func (m *endpoint) put(id string, task taskMetadata) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tasks[id] = task
}

func (m *endpoint) remove(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.tasks, id)
}
