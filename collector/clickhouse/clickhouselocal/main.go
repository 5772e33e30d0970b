package clickhouselocal

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// marker is set in the environment of the process that is to be the server;
// its value is a childConfig.
const marker = "GANTRY_CLICKHOUSELOCAL_CHILD"

// childConfig is what the server's process needs; the rest stands in files.
type childConfig struct {
	Lib, Dir, TCPAddr, HTTPAddr string
}

// mainCalled guards Start: an executable that never calls Main would start
// itself again for ever.
var mainCalled atomic.Bool

// Main turns this process into the server when Start made it for that, and
// never returns then. Call it first in main or TestMain.
func Main() {
	mainCalled.Store(true)
	text := os.Getenv(marker)
	if text == "" {
		return
	}
	os.Unsetenv(marker)
	var c childConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		fmt.Fprintln(os.Stderr, "clickhouselocal:", err)
		os.Exit(2)
	}
	// A terminal's Ctrl-C reaches the whole process group; the parent decides
	// when the server goes.
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		<-term
		// Parts are written whole and renamed: there is nothing to flush.
		os.Exit(0)
	}()
	go func() {
		// The parent holds the other end and never writes: end of file means
		// that it is gone, on every system.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Fprintln(os.Stderr, serve(c.Lib, c.Dir, c.TCPAddr, c.HTTPAddr))
	os.Exit(1)
}
