package acceptance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	fetchTries = 3                // how often an installation is tried before its programs are left out.
	fetchWait  = 10 * time.Minute // for one try.
)

// kit is a language's drivers, installed once into the user's cache folder.
type kit struct {
	name    string   // of the folder.
	version string   // the file that says what belongs into it.
	tools   []string // the commands that installing and running it take.
	install func(ctx context.Context, dir string) *exec.Cmd

	once sync.Once
	dir  string
	err  error
}

var node = &kit{
	name: "node", version: "clients/node/package.json", tools: []string{"node", "npm"},
	install: func(ctx context.Context, dir string) *exec.Cmd {
		// A lock file would hold the addresses of registries.
		return exec.CommandContext(ctx, "npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", dir)
	},
}

var python = &kit{
	name: "python", version: "clients/python/requirements.txt", tools: []string{"python3"},
	install: func(ctx context.Context, dir string) *exec.Cmd {
		return exec.CommandContext(ctx, "sh", "-ec",
			`python3 -m venv "$0/venv"; "$0/venv/bin/pip" install --quiet --disable-pip-version-check -r "$0/requirements.txt"`, dir)
	},
}

// need returns the kit's folder, or skips the test in one line that says why.
func (k *kit) need(t *testing.T) string {
	t.Helper()
	k.once.Do(func() {
		if k.dir, k.err = k.fetch(); k.err != nil {
			k.err = leftOut(k.name, k.err)
		}
	})
	if k.err != nil {
		t.Skip(k.err)
	}
	return k.dir
}

// leftOut makes the line that tells which programs are not run, and why. Skipped
// tests of a package that passes are not printed, so the line also goes to the file
// that PANDO_LEFT_OUT names, from which .ci/run prints it at its end.
func leftOut(name string, why error) error {
	line := fmt.Errorf("%s: %w", name, why)
	if path := os.Getenv("PANDO_LEFT_OUT"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return errors.Join(line, err)
		}
		defer f.Close()
		fmt.Fprintln(f, line)
	}
	return line
}

// lacks tells which of the commands this machine does not have.
func lacks(tools ...string) error {
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("there is no %s", tool)
		}
	}
	return nil
}

func (k *kit) fetch() (string, error) {
	if err := lacks(k.tools...); err != nil {
		return "", err
	}
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
	unlock, err := lockFile(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
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

// lockFile keeps other runs of these tests, in this process or another, from the
// folder beside path until it is unlocked.
func lockFile(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
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
	ctx, cancel := context.WithTimeout(context.Background(), fetchWait)
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
