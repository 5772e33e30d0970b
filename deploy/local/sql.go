package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"
)

// tableFormat is how results are printed.
const tableFormat = "PrettyCompact"

// sqlCommand runs statements against the running ClickHouse as operator.
type sqlCommand struct {
	folderSetting
	Query string `env:"Q,GANTRY_QUERY" placeholder:"STATEMENT" help:"One statement; without it, a prompt."`
}

// Run runs the statement, or a prompt.
func (c *sqlCommand) Run() error {
	s, err := openState(c.State)
	if err != nil {
		return err
	}
	w, err := openWarehouse(c.State, s)
	if err != nil {
		return err
	}
	run := func(statement string) error {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		err := w.query(ctx, statement, tableFormat, os.Stdout)
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			return fmt.Errorf("ClickHouse of %s does not answer on port %d: start the stack with make run", c.State, s.Ports.ClickHouseHTTP)
		}
		return err
	}
	if c.Query != "" {
		return run(c.Query)
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		return promptTerminal(run)
	}
	return promptLines(os.Stdin, run)
}

// promptTerminal reads statements from a terminal, with a history of the
// session, until the end of input.
func promptTerminal(run func(string) error) error {
	stdin := int(os.Stdin.Fd())
	cooked, err := term.MakeRaw(stdin)
	if err != nil {
		return err
	}
	defer func() { _ = term.Restore(stdin, cooked) }()
	terminal := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}, "")
	var parts []string
	for {
		terminal.SetPrompt(promptFor(parts))
		line, err := terminal.ReadLine()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var statement string
		if parts, statement = addLine(parts, line); statement == "" {
			continue
		}
		// A result is written, and Ctrl-C means stop, in the usual mode.
		if err := term.Restore(stdin, cooked); err != nil {
			return err
		}
		if err := run(statement); err != nil {
			fmt.Println(err)
		}
		if _, err := term.MakeRaw(stdin); err != nil {
			return err
		}
	}
}

// promptLines reads statements from a file or a pipe and stops at the first
// that fails.
func promptLines(in io.Reader, run func(string) error) error {
	var parts []string
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var statement string
		if parts, statement = addLine(parts, lines.Text()); statement == "" {
			continue
		}
		if err := run(statement); err != nil {
			return err
		}
	}
	if rest := strings.TrimSpace(strings.Join(parts, "\n")); rest != "" && lines.Err() == nil {
		return run(rest)
	}
	return lines.Err()
}

// promptFor shows whether a statement has begun.
func promptFor(parts []string) string {
	if len(parts) > 0 {
		return "     … "
	}
	return "gantry> "
}

// addLine adds a line to the parts of a statement, which ends with a
// semicolon. It returns the parts still open and the statement, if complete.
func addLine(parts []string, line string) (open []string, statement string) {
	if len(parts) == 0 && strings.TrimSpace(line) == "" {
		return nil, ""
	}
	parts = append(parts, line)
	whole := strings.TrimSpace(strings.Join(parts, "\n"))
	if cut, ended := strings.CutSuffix(whole, ";"); ended {
		return nil, cut
	}
	return parts, ""
}
