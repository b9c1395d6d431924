package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/client"
)

func (p program) logsCommand() *cobra.Command {
	var follow bool
	var action string
	cmd := &cobra.Command{
		Use: "logs [RUN or TASK] [flags]", Short: "Print what a run printed, by default the last one", Args: atMostOne,
		Long: `kitops logs prints what a run printed: the last one of all tasks, the last one
of a task, or the one named. With -f it goes on until the run has ended, and ends
with 0 only after a success.`,
		Example: "  kitops logs\n  kitops logs shop -f\n  kitops logs shop --action test",
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the run has ended")
	cmd.Flags().StringVar(&action, "action", "", "only what this action printed")
	return p.asking(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		return c.Logs(ctx, first(args), action, follow)
	})
}
