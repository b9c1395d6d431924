package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/client"
	"github.com/bittrance/kitops/status/history"
)

func (p program) runsCommand() *cobra.Command {
	var f history.Filter
	cmd := &cobra.Command{
		Use: "runs [TASK] [flags]", Short: "List what has run, the newest first", Args: atMostOne, Annotations: hasJSON(),
		Long:    `kitops runs lists what has run, of all tasks or of one, the newest first.`,
		Example: "  kitops runs\n  kitops runs shop --outcome failure --limit 5\n  kitops runs delete 20260504t120000-k3v9x2m1qa",
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Ref, "ref", "", "only of this branch, or ref in full")
	flags.StringVar(&f.Outcome, "outcome", "", "only running, success, failure or error")
	flags.StringVar(&f.Before, "before", "", "only runs that began before this one")
	flags.IntVar(&f.Limit, "limit", history.DefaultLimit, "at most so many")
	p.asking(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		f.Task = first(args)
		return c.Runs(ctx, f)
	})
	cmd.AddCommand(p.asking(&cobra.Command{
		Use: "delete RUN [flags]", Short: "Remove what a run printed; its row stays", Args: one,
		Long:    "kitops runs delete removes what a run printed, also from its check run at GitHub.\nIts row in the history stays, and says who removed it.",
		Example: "  kitops runs delete 20260504t120000-k3v9x2m1qa",
	}, func(ctx context.Context, c *client.Client, args []string) error { return c.Delete(ctx, args[0]) }))
	return cmd
}
