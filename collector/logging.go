package main

import (
	"io"
	"log/slog"
)

// LogFlags choose how the process logs.
type LogFlags struct {
	LogFormat string     `enum:"text,json" default:"text" help:"Format of log lines: text or json."`
	LogLevel  slog.Level `default:"info" help:"Least severe level logged: debug, info, warn or error."`
}

func (f LogFlags) logger(w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: f.LogLevel}
	var h slog.Handler = slog.NewTextHandler(w, opts)
	if f.LogFormat == "json" {
		h = slog.NewJSONHandler(w, opts)
	}
	log := slog.New(h)
	slog.SetDefault(log)
	return log
}
