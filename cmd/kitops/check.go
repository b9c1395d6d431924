package main

import (
	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/wiring"
)

func (p program) checkCommand() *cobra.Command {
	return p.withOptions(&cobra.Command{
		Use: "check [flags]", Short: "Read flags, environment and task file, print every mistake, touch nothing",
		RunE: func(*cobra.Command, []string) error {
			return wiring.Check(p.options, p.process(), p.stdout, p.stderr)
		},
	})
}
