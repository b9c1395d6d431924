package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/client"
)

func (p program) pollCommand() *cobra.Command {
	return p.asking(&cobra.Command{
		Use: "poll [TASK...] [flags]", Short: "Have the agent poll now", Args: cobra.ArbitraryArgs,
		Long:    "kitops poll has the running agent poll now: all tasks, or those named.",
		Example: "  kitops poll\n  kitops poll shop",
	}, func(ctx context.Context, c *client.Client, args []string) error { return c.Poll(ctx, args) })
}
