// Command pando is the server: `pando` serves, `pando check` walks a store,
// `pando version` says what this is.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/pandodb/pando"
)

// The exit codes, mongod's where it has one.
const (
	exitUsage     = 2
	exitDied      = 14 // the disk failed under a running server.
	exitNet       = 48 // the port cannot be had.
	exitNewFormat = 62 // the data are of a newer version.
	exitFailed    = 100
)

type commandLine struct {
	Serve   serveCommand   `cmd:"" default:"withargs" help:"Serve (what pando does when nothing else is said)."`
	Check   checkCommand   `cmd:"" help:"Walk a store and tell what is wrong with it."`
	Version versionCommand `cmd:"" help:"Tell the version."`

	Tell kong.VersionFlag `name:"version" help:"Tell the version."`
}

func main() {
	var line commandLine
	parser, err := kong.New(&line, kong.Name("pando"),
		kong.Description("A document database that speaks the MongoDB protocol, with transactions that just work."),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Help(help),
		kong.Vars{"version": pando.Version()})
	if err != nil {
		fail(exitUsage, err)
	}
	ctx, err := parser.Parse(os.Args[1:])
	if err != nil {
		fail(exitUsage, err)
	}
	if err := ctx.Run(); err != nil {
		fail(exitCode(err), err)
	}
}

// usageError is a mistake on the command line or in the configuration file.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// help shows the flags of serve with the list of commands too: they are pando's own.
func help(o kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(o, ctx); err != nil || ctx.Selected() != nil {
		return err
	}
	serve, err := kong.Trace(ctx.Kong, []string{"serve"})
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout)
	return kong.DefaultHelpPrinter(o, serve)
}

func exitCode(err error) int {
	_, usage := errors.AsType[usageError](err)
	switch {
	case usage, errors.Is(err, pando.ErrOption):
		return exitUsage
	case errors.Is(err, pando.ErrListen):
		return exitNet
	case errors.Is(err, pando.ErrNewerFormat):
		return exitNewFormat
	case errors.Is(err, pando.ErrDied):
		return exitDied
	}
	return exitFailed
}

// loggedError is one that whoever reads standard error has seen as a line of the log.
type loggedError struct{ error }

func (e loggedError) Unwrap() error { return e.error }

func fail(code int, err error) {
	if _, logged := errors.AsType[loggedError](err); !logged {
		fmt.Fprintln(os.Stderr, "pando:", err)
	}
	os.Exit(code)
}
