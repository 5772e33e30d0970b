package clickhouselocal

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// engineVersion is the version of the npm packages that carry the engine;
// the engine inside calls itself 26.7.
const engineVersion = "26.7.3-stable.1"

// enginePackage is one platform's build of the engine.
type enginePackage struct {
	name string
	// integrity is npm's "sha512-…" of the tarball. Empty where this
	// package's authors could not reach the build: then the registry's own
	// statement is what the download is held against.
	integrity string
}

var enginePackages = map[string]enginePackage{
	"linux/amd64": {
		name:      "@chdb/lib-linux-x64-gnu",
		integrity: "sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==",
	},
	"linux/arm64":  {name: "@chdb/lib-linux-arm64-gnu"},
	"darwin/amd64": {name: "@chdb/lib-darwin-x64"},
	"darwin/arm64": {name: "@chdb/lib-darwin-arm64"},
}

func thisPlatform() (enginePackage, error) {
	key := runtime.GOOS + "/" + runtime.GOARCH
	p, ok := enginePackages[key]
	if !ok {
		return p, fmt.Errorf("clickhouselocal: no engine is built for %s: run a ClickHouse server of your own and name it with --clickhouse-addr", key)
	}
	return p, nil
}

// cacheDir is the folder of this version's library, shared by all clones.
func cacheDir() (string, error) {
	base := os.Getenv("GANTRY_CACHE")
	if base == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("clickhouselocal: no folder for downloads: %w; set GANTRY_CACHE", err)
		}
		base = filepath.Join(user, "gantry")
	}
	return filepath.Join(base, "clickhouse", engineVersion), nil
}
