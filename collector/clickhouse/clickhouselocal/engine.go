package clickhouselocal

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// keepAlive opens the ports and then sleeps, one second per row: the server
// lives as long as this query. A thousand million rows are thirty years.
const keepAlive = "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; " +
	"SET function_sleep_max_microseconds_per_block = 100000000000; " +
	"SELECT sleepEachRow(1) FROM numbers(1000000000) SETTINGS max_block_size = 1 FORMAT Null"

// Run serves in this process and returns only when the engine ended, which is
// an error always: nobody asks it to end. Config's ports must not be 0.
func Run(cfg Config) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	if err := writeFiles(cfg); err != nil {
		return err
	}
	return serve(cfg.Lib, cfg.Dir, cfg.TCPAddr, cfg.HTTPAddr)
}

func serve(lib, dir, tcpAddr, httpAddr string) error {
	host, tcpPort, err := net.SplitHostPort(tcpAddr)
	if err != nil {
		return fmt.Errorf("clickhouselocal: %w", err)
	}
	_, httpPort, err := net.SplitHostPort(httpAddr)
	if err != nil {
		return fmt.Errorf("clickhouselocal: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("clickhouselocal: data folder: %w", err)
	}
	engine, err := open(lib)
	if err != nil {
		return err
	}
	// The engine makes empty files of what some statements name, where it
	// stands.
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("clickhouselocal: data folder: %w", err)
	}
	return engine.run(
		"--path="+filepath.Join(dir, dataFolder),
		"--config-file="+filepath.Join(dir, configFile),
		"--multiquery",
		"--listen_host="+host,
		"--tcp_port="+tcpPort,
		"--http_port="+httpPort,
		"--query", keepAlive,
	)
}

// engine is the opened library.
type engine struct {
	query    func(argc int32, argv unsafe.Pointer) uintptr
	errorOf  func(result uintptr) string
	shutdown func()
}

func open(lib string) (*engine, error) {
	handle, err := purego.Dlopen(lib, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("clickhouselocal: open %s: %w; delete it and start again to download it anew", lib, err)
	}
	e := &engine{}
	purego.RegisterLibFunc(&e.query, handle, "chdb_query_cmdline")
	purego.RegisterLibFunc(&e.errorOf, handle, "chdb_result_error")
	purego.RegisterLibFunc(&e.shutdown, handle, "chdb_shutdown")
	return e, nil
}

// run calls the engine's main function and returns why it ended.
func (e *engine) run(args ...string) error {
	args = append([]string{"clickhouse"}, args...)
	bytes := make([][]byte, len(args))
	argv := make([]*byte, len(args)+1)
	var pin runtime.Pinner
	defer pin.Unpin()
	for i, a := range args {
		bytes[i] = append([]byte(a), 0)
		argv[i] = &bytes[i][0]
		pin.Pin(argv[i])
	}
	pin.Pin(&argv[0])
	result := e.query(int32(len(args)), unsafe.Pointer(&argv[0]))
	if result == 0 {
		return errors.New("clickhouselocal: the engine ended without an answer")
	}
	if msg := e.errorOf(result); msg != "" {
		return fmt.Errorf("clickhouselocal: the engine ended: %s", msg)
	}
	return errors.New("clickhouselocal: the engine ended")
}
