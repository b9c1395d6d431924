package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
)

func (p program) stateCommand() *cobra.Command {
	state := &cobra.Command{
		Use: "state", Short: "Move the memory between files and stores",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown("state " + args[0])
			}
			return settings.Mistake("kitops state: say copy FROM TO")
		},
	}
	state.AddCommand(&cobra.Command{
		Use: "copy FROM TO", Short: "Copy the memory to an empty place",
		Long: `kitops state copy copies what kitops remembers of every task to another place,
which must be empty; nothing is removed. A place is a path, or what --state
takes. No agent may be at work on either. A state of an earlier kitops is read,
too.`,
		Example: "  kitops state copy /var/lib/kitops/state.yaml s3://acme-kitops/team\n  kitops state copy s3://acme-kitops/team backup.yaml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return settings.Mistake("kitops state copy: say FROM and TO, each a path, s3://BUCKET/PREFIX or azblob://ACCOUNT/CONTAINER/PREFIX")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return interruptible(func(ctx context.Context) error {
				copied, stays, err := wiring.CopyState(ctx, args[0], args[1], p.process())
				if err == nil {
					fmt.Fprintf(p.stdout, "%d documents copied to %s\n", copied, args[1])
				}
				if err == nil && stays > 0 {
					fmt.Fprintf(p.stderr, "%d documents stay: what instances remember for themselves of tasks with run_on: each moves between stores only\n", stays)
				}
				return err
			})(cmd, nil)
		},
	})
	return state
}
