package warehouse

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/collector/platekey"
	"github.com/gantry-dev/gantry/deploy/local/state"
)

// Warehouse is a running ClickHouse with an empty or loaded raw.
type Warehouse struct {
	dir    string
	server *clickhouselocal.Server
	key    platekey.Key
}

// Start starts an engine in the folder, on the given ports of the loopback
// interface or, where they are 0, on free ones. The program must call
// clickhouselocal.Main first.
func Start(ctx context.Context, dir string, tcpPort, httpPort int) (*Warehouse, error) {
	lib, err := clickhouselocal.Ensure(ctx, nil)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := state.MakeSecrets(dir); err != nil {
		return nil, fmt.Errorf("secrets of %s: %w", dir, err)
	}
	w := &Warehouse{dir: dir}
	if w.key, err = platekey.Load(state.PlateKeyFile(dir)); err != nil {
		return nil, err
	}
	passwords := map[string]string{}
	for _, user := range clickhouselocal.Users {
		if passwords[user], err = state.Password(dir, user); err != nil {
			return nil, err
		}
	}
	w.server, err = clickhouselocal.Start(ctx, clickhouselocal.Config{
		Lib: lib, Dir: filepath.Join(dir, "clickhouse"), Passwords: passwords,
		TCPAddr: fmt.Sprintf("127.0.0.1:%d", tcpPort), HTTPAddr: fmt.Sprintf("127.0.0.1:%d", httpPort),
	})
	if err != nil {
		return nil, err
	}
	if err := w.migrate(ctx); err != nil {
		w.Stop()
		return nil, err
	}
	return w, nil
}

func (w *Warehouse) migrate(ctx context.Context) (err error) {
	conn, err := w.Open(clickhouselocal.UserCollector)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return clickhouse.Migrate(ctx, conn)
}

// Stop ends the engine; the folder stays.
func (w *Warehouse) Stop() { w.server.Stop() }

// Done is closed when the engine has ended.
func (w *Warehouse) Done() <-chan struct{} { return w.server.Done() }

// TCPAddr is host:port of the native protocol.
func (w *Warehouse) TCPAddr() string { return w.server.TCPAddr }

// HTTPAddr is host:port of the HTTP interface.
func (w *Warehouse) HTTPAddr() string { return w.server.HTTPAddr }

// Dir is the absolute path of the folder.
func (w *Warehouse) Dir() string { return w.dir }

// PasswordFile is where the password of a ClickHouse user stands.
func (w *Warehouse) PasswordFile(user string) string { return state.PasswordFile(w.dir, user) }

// config is how a user reaches the engine.
func (w *Warehouse) config(user string) (clickhouse.Config, error) {
	password, err := state.Password(w.dir, user)
	return clickhouse.DefaultConfig(w.TCPAddr(), user, password), err
}

// Open is a pool of connections of a user, to be closed.
func (w *Warehouse) Open(user string) (driver.Conn, error) {
	cfg, err := w.config(user)
	if err != nil {
		return nil, err
	}
	return clickhouse.Open(cfg)
}
