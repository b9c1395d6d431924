package main

import "github.com/spf13/cobra"

func (p program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, where it comes from, and how it is updated", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.installed().Write(cmd.Context(), p.stdout) },
	}
}
