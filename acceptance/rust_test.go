package acceptance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// rust's kit is a package that has the dependencies of clients/rust and does nothing,
// with all of them compiled. Cargo.lock is made there: it names registries.
var rust = &kit{
	name: "rust", version: "clients/rust/Cargo.toml", tools: []string{"cargo"},
	install: func(ctx context.Context, dir string) *exec.Cmd {
		return exec.CommandContext(ctx, "sh", "-ec",
			`cd "$0"; mkdir src; echo "fn main() {}" >src/main.rs; cargo build --quiet --target-dir target`, dir)
	},
}

// rustPrograms are the programs of clients/rust, compiled once.
var rustPrograms struct {
	sync.Once
	dir string
	err error
}

func rustProgram(t *testing.T, name, uri string) *exec.Cmd {
	t.Helper()
	kit := rust.need(t)
	rustPrograms.Do(func() { rustPrograms.dir, rustPrograms.err = buildRust(kit) })
	if rustPrograms.err != nil {
		t.Fatal(rustPrograms.err)
	}
	return command(t, uri, filepath.Join(rustPrograms.dir, name))
}

// buildRust compiles the programs in the kit's folder, without the network, so that
// one that does not compile fails and is not left out. It returns where they are.
func buildRust(kit string) (string, error) {
	const source = "clients/rust"
	sum, err := sumFolder(filepath.Join(source, "src"))
	if err != nil {
		return "", err
	}
	unlock, err := lockFile(kit + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	programs := filepath.Join(kit, "programs-"+sum)
	if _, err := os.Stat(programs); err == nil {
		return programs, nil
	}
	// Always the same folder: cargo keeps what it compiles by the package's path.
	dir := filepath.Join(kit, "package")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		return "", err
	}
	lock, err := os.ReadFile(filepath.Join(kit, "Cargo.lock"))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "Cargo.lock"), lock, 0o644); err != nil {
		return "", err
	}
	cmd := exec.Command("cargo", "build", "--quiet", "--offline", "--locked", "--target-dir", filepath.Join(kit, "target"))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cargo build in %s: %w\n%s", source, err, out)
	}
	return programs, keepPrograms(filepath.Join(kit, "target", "debug"), filepath.Join(source, "src", "bin"), programs)
}

// keepPrograms takes the programs that have a source out of cargo's folder, where the
// next compilation replaces them.
func keepPrograms(from, sources, to string) error {
	half := to + ".half"
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	if err := os.Mkdir(half, 0o755); err != nil {
		return err
	}
	files, err := os.ReadDir(sources)
	if err != nil {
		return err
	}
	for _, f := range files {
		name := f.Name()[:len(f.Name())-len(".rs")]
		if err := os.Rename(filepath.Join(from, name), filepath.Join(half, name)); err != nil {
			return err
		}
	}
	return os.Rename(half, to)
}
