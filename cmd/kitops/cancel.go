package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/client"
)

func (p program) cancelCommand() *cobra.Command {
	return p.asking(&cobra.Command{
		Use: "cancel RUN or TASK [flags]", Short: "End a run", Args: one, Annotations: hasJSON(),
		Long: `kitops cancel ends a run, or what runs of a task, as its timeout would. It is not
tried again until kitops again, a new head, or a change of the task.`,
		Example: "  kitops cancel shop\n  kitops cancel 20260504t120000-k3v9x2m1qa",
	}, func(ctx context.Context, c *client.Client, args []string) error { return c.Cancel(ctx, args[0]) })
}
