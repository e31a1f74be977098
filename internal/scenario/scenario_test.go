package scenario

import (
	"flag"
	"github.com/pandodb/pando/internal/testenv"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var keepGoing = flag.Bool("keep-going", false, "tell of every step that comes out differently, not only of a file's first")

// TestReference holds the files against the reference server, or writes them from it (-rewrite).
func TestReference(t *testing.T) {
	uri := testenv.Reference(t)
	runAll(t, hostOf(t, uri), Reference)
}

// hostOf takes the host and port out of a mongodb URI.
func hostOf(t *testing.T, uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		t.Fatalf("no host in %q: %v", uri, err)
	}
	return u.Host
}

// runAll runs every file, side by side but for those that ask to be alone.
func runAll(t *testing.T, addr string, mode Mode) {
	var alone sync.RWMutex // files beside each other share it; one that must be alone owns it.
	for _, path := range files(t) {
		name := strings.TrimSuffix(filepath.ToSlash(strings.TrimPrefix(path, "testdata"+string(filepath.Separator))), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if h, _ := readHeader(path); h.alone != "" {
				alone.Lock()
				defer alone.Unlock()
			} else {
				alone.RLock()
				defer alone.RUnlock()
			}
			RunFile(t, addr, path, mode, *keepGoing)
		})
	}
}

func files(t testing.TB) []string {
	var paths []string
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".txt" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
