package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/client"
	"github.com/bittrance/kitops/poller"
)

func (p program) approveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "approve TASK [SHA] [flags]", Short: "Let a head run that waits for approval", Args: cobra.ArbitraryArgs, Annotations: hasJSON(),
		Long: `kitops approve lets the head of a branch run, of a task with approve: each. The
approval holds for the revision that is named, or that is the only one to wait,
and for no later one.`,
		Example: "  kitops approve shop\n  kitops approve shop 8e1f6a2",
	}
	o := poller.Order{What: poller.Approve}
	cmd.Flags().StringVar(&o.Ref, "ref", "", "the branch, or ref in full, where several wait")
	return p.asking(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if err := misused(cmd, len(args) == 1 || len(args) == 2); err != nil {
			return err
		}
		if len(args) == 2 {
			o.SHA = args[1]
		}
		return c.Order(ctx, args[0], o)
	})
}
