package state

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ClickHouseUsers are the users of the embedded ClickHouse, each with a
// generated password.
var ClickHouseUsers = []string{"collector", "dbt", "planner", "enforcement", "connect", "operator"}

// roles are the callers of the collector that get a generated token.
var roles = []string{"agent", "viewer", "planner", "enforcement", "operator"}

// secretBytes is the entropy of a generated secret: 256 bits.
const secretBytes = 32

// Password is the password of a ClickHouse user of the stack in dir.
func Password(dir, user string) (string, error) {
	return readSecret(dir, "clickhouse-"+user)
}

// Token is the bearer token of a role: agent, viewer, planner, enforcement or
// operator.
func Token(dir, role string) (string, error) {
	return readSecret(dir, "token-"+role)
}

// MakeSecrets makes the secrets that dir does not hold yet: passwords, tokens,
// the file of hashed tokens that the collector reads, and the key that plates
// are hashed with.
func MakeSecrets(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "secrets"), 0o700); err != nil {
		return err
	}
	for _, user := range ClickHouseUsers {
		if err := makeSecret(dir, "clickhouse-"+user); err != nil {
			return err
		}
	}
	var hashed strings.Builder
	for _, role := range roles {
		if err := makeSecret(dir, "token-"+role); err != nil {
			return err
		}
		token, err := Token(dir, role)
		if err != nil {
			return err
		}
		fmt.Fprintf(&hashed, "%s %x\n", role, sha256.Sum256([]byte(token)))
	}
	if err := makeSecret(dir, "plate-key"); err != nil {
		return err
	}
	return writeFile(TokensFile(dir), []byte(hashed.String()))
}

// PasswordFile is the path of the password of a ClickHouse user.
func PasswordFile(dir, user string) string { return secretFile(dir, "clickhouse-"+user) }

// TokenFile is the path of the bearer token of a role.
func TokenFile(dir, role string) string { return secretFile(dir, "token-"+role) }

// TokensFile is the path of the file of roles and hashed tokens.
func TokensFile(dir string) string { return secretFile(dir, "tokens") }

// PlateKeyFile is the path of the key that plates are hashed with.
func PlateKeyFile(dir string) string { return secretFile(dir, "plate-key") }

func secretFile(dir, name string) string { return filepath.Join(dir, "secrets", name) }

func readSecret(dir, name string) (string, error) {
	data, err := os.ReadFile(secretFile(dir, name))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(data)), nil
}

// makeSecret writes a new secret unless there is one.
func makeSecret(dir, name string) error {
	path := secretFile(dir, name)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	secret := make([]byte, secretBytes)
	// rand.Read never fails (crypto/rand, since Go 1.24).
	_, _ = rand.Read(secret)
	return writeFile(path, []byte(hex.EncodeToString(secret)+"\n"))
}
