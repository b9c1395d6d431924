package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/client"
	"github.com/bittrance/kitops/poller"
)

func (p program) againCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "again TASK [flags]", Short: "Run the head again, applied or failed", Args: one, Annotations: hasJSON(),
		Long: `kitops again has the agent run the head of a branch again, whether it is applied,
has failed or was only remembered. Where no agent runs, the next one does.`,
		Example: "  kitops again shop\n  kitops again shop --ref release/2 --after",
	}
	o := poller.Order{What: poller.Again}
	flags := cmd.Flags()
	flags.StringVar(&o.Ref, "ref", "", "the branch, or ref in full, where the task has several")
	flags.BoolVar(&o.After, "after", false, "where it runs already, when that has ended")
	flags.BoolVar(&o.Anyway, "anyway", false, "once although the task is paused, or outside of its windows")
	return p.asking(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		return c.Order(ctx, args[0], o)
	})
}
