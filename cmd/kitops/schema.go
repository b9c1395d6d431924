package main

import (
	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

func (p program) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON schema of the task file", Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return settings.WriteSchema(p.stdout) },
	}
}
