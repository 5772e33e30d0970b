// Command gantry-agent stands in for roadside devices: it makes, or reads,
// their readings and streams them to a collector.
//
// It is a thin front: the protocol is in uplink, the simulated world in
// world and device, and everything about the world that reads or writes
// files in truth. See `gantry-agent --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/gantry-agent/truth"
	"github.com/gantry-dev/gantry/proto/secretenv"
)

// cli is the command line.
type cli struct {
	Run         runCmd         `cmd:"" help:"Carry devices: stream their readings to a collector."`
	Resend      resendCmd      `cmd:"" help:"Make the readings of some days again and send them; copies collapse by their identity."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running agent whether it is well; exit 1 if not."`
	World       truth.Cmd      `cmd:"" help:"Show the simulated world: its network, what passes, what devices emit."`
	Version     versionCmd     `cmd:"" help:"Print the version."`

	LogLevel  slog.Level `default:"info" help:"Least level to log: debug, info, warn or error."`
	LogFormat string     `default:"text" enum:"text,json" help:"Form of the log: text or json."`
}

// signals is the way in which the operating system stops the agent.
type signals struct{ context.Context }

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings as parameters; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	var c cli
	kctx, err := parseCLI(&c, args, stdout, stderr)
	if errors.Is(err, errHelped) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "gantry-agent: %v\n", err)
		return 2
	}
	ctx, stop := stopSignals()
	defer stop()
	kctx.Bind(signals{ctx})
	kctx.BindTo(ctx, (*context.Context)(nil))
	kctx.Bind(newLogger(stderr, c.LogLevel, c.LogFormat))
	if err := kctx.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(stderr, "gantry-agent: %v\n", err)
		return 1
	}
	return 0
}

// errHelped says that --help has been answered.
var errHelped = errors.New("help was shown")

// parseCLI parses the command line and the environment into c.
func parseCLI(c *cli, args []string, stdout, stderr io.Writer) (*kong.Context, error) {
	helped := false
	parser, err := kong.New(c, kong.Name("gantry-agent"), kong.DefaultEnvars("GANTRY"),
		kong.Resolvers(secretenv.Resolver("GANTRY")),
		kong.Description("Stands in for roadside devices and streams their readings to a collector."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }))
	if err != nil {
		panic(err) // the struct is wrong
	}
	kctx, err := parser.Parse(args)
	if helped {
		return nil, errHelped
	}
	if err == nil {
		kctx.BindTo(stdout, (*io.Writer)(nil))
	}
	return kctx, err
}

// sameStop is how close two signals count as one: a terminal's Ctrl-C reaches
// the whole process group, and whoever started us passes it on as well.
const sameStop = time.Second

// stopSignals returns a context that the first SIGINT or SIGTERM ends. One
// that comes later quits at once.
func stopSignals() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan os.Signal, 1)
	signal.Notify(got, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-got
		first := time.Now()
		cancel()
		for range got {
			if time.Since(first) > sameStop {
				os.Exit(130)
			}
		}
	}()
	return ctx, func() {
		signal.Stop(got)
		cancel()
	}
}

func newLogger(w io.Writer, level slog.Level, format string) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// versionCmd prints the version.
type versionCmd struct{}

// Run does so.
func (versionCmd) Run(w io.Writer) error {
	_, err := fmt.Fprintln(w, version())
	return err
}

// release is the version of a released program, set with -ldflags -X
// main.release=.
var release string

// version is the release's, else the module's version or, of a build from a
// working copy, its commit.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
