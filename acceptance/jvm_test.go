package acceptance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// project is a Maven project in clients/: its kit is a Maven repository with what its
// pom.xml names, and the class path of that. The programs are compiled without the
// network, so that one that does not compile fails and is not left out.
type project struct {
	kit

	built sync.Once
	path  string // the class path, programs included.
	err   error
}

var (
	java   = newProject("java", "src/main/java/Nothing.java", "class Nothing {}")
	scala  = newProject("scala", "src/main/scala/Nothing.scala", "class Nothing")
	kotlin = newProject("kotlin", "src/main/kotlin/Nothing.kt", "class Nothing")
)

// newProject names a project and a source file that compiles and does nothing, since
// plugins fetch their compilers when they first compile.
func newProject(name, source, text string) *project {
	p := &project{}
	p.kit.name, p.kit.tools, p.kit.version = name, []string{"javac", "java", "mvn"}, "clients/"+name+"/pom.xml"
	p.kit.install = func(ctx context.Context, dir string) *exec.Cmd {
		return exec.CommandContext(ctx, "sh", "-ec",
			`cd "$0"; mkdir -p "$(dirname "$1")"; echo "$2" >"$1"
			mvn -B -q -Dstyle.color=never -Dmaven.repo.local="$0/repository" compile dependency:build-classpath -Dmdep.outputFile=classpath >log 2>&1 ||
			{ grep -m 1 ERROR log; exit 1; }`, dir, source, text)
	}
	return p
}

// program is a class that is named as the program, but for its capital, and has a main
// method.
func (p *project) program(t *testing.T, name, uri string) *exec.Cmd {
	t.Helper()
	return p.programFor(t, name, uri, programWait)
}

// programFor is a program that may run for so long.
func (p *project) programFor(t *testing.T, name, uri string, wait time.Duration) *exec.Cmd {
	t.Helper()
	dir := p.need(t)
	p.built.Do(func() { p.path, p.err = p.build(dir) })
	if p.err != nil {
		t.Fatal(p.err)
	}
	return commandFor(t, uri, wait, "java", "-XX:TieredStopAtLevel=1", "-cp", p.path, strings.ToUpper(name[:1])+name[1:])
}

// build compiles the programs beside the kit, unless these very ones were compiled
// there before.
func (p *project) build(kit string) (classpath string, err error) {
	libraries, err := os.ReadFile(filepath.Join(kit, "classpath"))
	if err != nil {
		return "", err
	}
	source := filepath.Join("clients", p.name)
	sum, err := sumFolder(filepath.Join(source, "src"))
	if err != nil {
		return "", err
	}
	unlock, err := lockFile(kit + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	dir := filepath.Join(kit, "programs-"+sum)
	classpath = filepath.Join(dir, "target", "classes") + string(os.PathListSeparator) + strings.TrimSpace(string(libraries))
	ready := filepath.Join(dir, "ready")
	if _, err := os.Stat(ready); err == nil {
		return classpath, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		return "", err
	}
	cmd := exec.Command("mvn", "-o", "-B", "-q", "-Dstyle.color=never", "-Dmaven.repo.local="+filepath.Join(kit, "repository"), "compile")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mvn compile in %s: %w\n%s", source, err, out)
	}
	return classpath, os.WriteFile(ready, nil, 0o644)
}

// sumFolder is a short sum over the names and contents of a folder's files.
func sumFolder(root string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(sum, "%s %d\n%s", path, len(text), text)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:4]), err
}
