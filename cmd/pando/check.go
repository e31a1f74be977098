package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pandodb/pando"
)

// checkCommand walks a store that no server has open.
type checkCommand struct {
	DBPath string `name:"dbpath" default:"./pando-data" placeholder:"DIR" help:"Where the data are."`
}

// Run prints what is wrong, a line each, and fails if there is anything.
func (c *checkCommand) Run() error {
	n := 0
	err := pando.Check(context.Background(), c.DBPath, func(problem string) {
		n++
		fmt.Fprintln(os.Stdout, problem)
	})
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%d problems in %s", n, c.DBPath)
	}
	fmt.Fprintln(os.Stdout, c.DBPath+": no problems")
	return nil
}

// versionCommand tells what this binary is.
type versionCommand struct{}

// Run prints it.
func (versionCommand) Run() error {
	fmt.Fprintln(os.Stdout, pando.Version())
	return nil
}
