package acceptance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// fetchTries is how often an installation is tried before its programs are left out.
const fetchTries = 3

// kit is a language's drivers, installed once into the user's cache folder.
type kit struct {
	name    string // of the folder.
	version string // the file that says what belongs into it.
	install func(ctx context.Context, dir string) *exec.Cmd

	once sync.Once
	dir  string
	err  error
}

var node = &kit{
	name: "node", version: "clients/node/package.json",
	install: func(ctx context.Context, dir string) *exec.Cmd {
		// A lock file would hold the addresses of registries.
		return exec.CommandContext(ctx, "npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", dir)
	},
}

var python = &kit{
	name: "python", version: "clients/python/requirements.txt",
	install: func(ctx context.Context, dir string) *exec.Cmd {
		return exec.CommandContext(ctx, "sh", "-ec",
			`python3 -m venv "$0/venv"; "$0/venv/bin/pip" install --quiet --disable-pip-version-check -r "$0/requirements.txt"`, dir)
	},
}

// need returns the kit's folder, or skips the test in one line that says why.
func (k *kit) need(t *testing.T) string {
	k.once.Do(func() { k.dir, k.err = k.fetch() })
	if k.err != nil {
		t.Skipf("not run: %s could not be installed: %v", k.name, k.err)
	}
	return k.dir
}

func (k *kit) fetch() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	version, err := os.ReadFile(k.version)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(version)
	dir := filepath.Join(cache, "pando-acceptance", k.name+"-"+hex.EncodeToString(sum[:4]))
	ready := filepath.Join(dir, "ready")
	if _, err := os.Stat(ready); err == nil {
		return dir, nil
	}
	for range fetchTries {
		if err = k.tryFetch(dir, version); err == nil {
			return dir, os.WriteFile(ready, nil, 0o644)
		}
	}
	return "", err
}

func (k *kit) tryFetch(dir string, version []byte) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(k.version)), version, 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if out, err := k.install(ctx, dir).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, lastLine(out))
	}
	return nil
}

func lastLine(out []byte) string {
	end := len(out)
	for end > 0 && out[end-1] == '\n' {
		end--
	}
	start := end
	for start > 0 && out[start-1] != '\n' {
		start--
	}
	return string(out[start:end])
}
