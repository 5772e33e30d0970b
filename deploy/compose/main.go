package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/deploy/local/state"
)

type cli struct {
	State string `default:"deploy/compose/state" type:"path" help:"Folder to make; compose.yaml looks in state beside it."`
}

func main() {
	var c cli
	kong.Parse(&c, kong.Name("compose"), kong.Description("Makes the secrets of deploy/compose."))
	if err := prepare(c.State); err != nil {
		fmt.Fprintln(os.Stderr, "gantry:", err)
		os.Exit(1)
	}
	fmt.Println(c.State, "is ready")
}

// prepare makes the folder.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// It may be from somebody's mkdir.
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	if err := state.MakeSecrets(dir); err != nil {
		return err
	}
	passwords := map[string]string{}
	for _, user := range state.ClickHouseUsers {
		var err error
		if passwords[user], err = state.Password(dir, user); err != nil {
			return err
		}
	}
	users := filepath.Join(dir, "users.xml")
	if err := os.WriteFile(users, []byte(clickhouselocal.UsersXML(passwords)), 0o600); err != nil {
		return err
	}
	return openToContainers(dir)
}

// openToContainers lets everybody read what is below dir, but not dir itself.
func openToContainers(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil || path == ".":
			return err
		case e.IsDir():
			return root.Chmod(path, 0o755)
		default:
			return root.Chmod(path, 0o644)
		}
	})
}
