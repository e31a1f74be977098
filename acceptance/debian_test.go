package acceptance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// debianKit is drivers that Debian packages. They are installed for the whole
// machine, so only by root and in a complete run (PANDO_CI=1); elsewhere they are
// used where they are there already.
type debianKit struct {
	name     string
	packages []string
	probe    []string // a command that succeeds where the drivers are installed.

	once sync.Once
	err  error
}

var (
	debianC = &debianKit{
		name: "C", packages: []string{"gcc", "libc6-dev", "pkg-config", "libmongoc-dev"},
		probe: []string{"sh", "-c", "command -v gcc && pkg-config --exists libmongoc-1.0"},
	}
	debianPHP = &debianKit{
		name: "PHP", packages: []string{"php-cli", "php-mongodb"},
		probe: []string{"php", "-r", `exit(extension_loaded("mongodb") ? 0 : 1);`},
	}
	debianPerl = &debianKit{
		name: "Perl", packages: []string{"libmongodb-perl"},
		probe: []string{"perl", "-MMongoDB", "-e", "1"},
	}
	debianRuby = &debianKit{
		name: "Ruby", packages: []string{"ruby", "ruby-mongo"},
		probe: []string{"ruby", "-rmongo", "-e", "1"},
	}
)

// need sees to it that the drivers are there, or skips the test in one line that says why.
func (k *debianKit) need(t *testing.T) {
	t.Helper()
	k.once.Do(func() {
		if err := k.ensure(); err != nil {
			k.err = leftOut(k.name, err)
		}
	})
	if k.err != nil {
		t.Skip(k.err)
	}
}

func (k *debianKit) ensure() error {
	if exec.Command(k.probe[0], k.probe[1:]...).Run() == nil {
		return nil
	}
	switch {
	case os.Getenv("PANDO_CI") != "1":
		return fmt.Errorf("not there: apt-get install %s", strings.Join(k.packages, " "))
	case lacks("apt-get") != nil:
		return lacks("apt-get")
	case os.Geteuid() != 0:
		return fmt.Errorf("only root could install %s", strings.Join(k.packages, " "))
	}
	var err error
	for range fetchTries {
		if err = k.install(); err == nil {
			return nil
		}
	}
	return err
}

// install tries with the package lists that are there first: they often do.
func (k *debianKit) install() error {
	err := aptGet(append([]string{"install", "--yes", "--no-install-recommends"}, k.packages...)...)
	if err != nil {
		if update := aptGet("update"); update != nil {
			return update
		}
		err = aptGet(append([]string{"install", "--yes", "--no-install-recommends"}, k.packages...)...)
	}
	if err != nil {
		return err
	}
	if out, err := exec.Command(k.probe[0], k.probe[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("installed, and yet: %w: %s", err, lastLine(out))
	}
	return nil
}

func aptGet(args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), fetchWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-o", "DPkg::Lock::Timeout=120"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w: %s", args[0], err, lastLine(out))
	}
	return nil
}

// cProgram compiles a program as its author would, and with every warning an error.
func cProgram(t *testing.T, name, uri string) *exec.Cmd {
	debianC.need(t)
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "libmongoc-1.0").Output()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), name)
	args := append([]string{"-Wall", "-Wextra", "-Werror", "-O1", "-o", bin, "clients/c/" + name + ".c"},
		strings.Fields(string(flags))...)
	if out, err := exec.Command("gcc", append(args, "-lpthread")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return command(t, uri, bin)
}

func phpProgram(t *testing.T, name, uri string) *exec.Cmd {
	debianPHP.need(t)
	return command(t, uri, "php", "clients/php/"+name+".php")
}

func perlProgram(t *testing.T, name, uri string) *exec.Cmd {
	debianPerl.need(t)
	return command(t, uri, "perl", "clients/perl/"+name+".pl")
}

func rubyProgram(t *testing.T, name, uri string) *exec.Cmd {
	debianRuby.need(t)
	return command(t, uri, "ruby", "clients/ruby/"+name+".rb")
}
