package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/app/credential"
)

// credentialCommand is what git calls: kitops credential SOCKET get|store|erase.
func (p program) credentialCommand() *cobra.Command {
	return &cobra.Command{
		Use: "credential SOCKET OPERATION", Hidden: true, Args: cobra.ExactArgs(2),
		Short: "Answer git's question for credentials from within an action",
		RunE: func(cmd *cobra.Command, args []string) error {
			return credential.Ask(cmd.Context(), args[0], args[1], os.Stdin, p.stdout)
		},
	}
}
