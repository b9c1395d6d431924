package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/client"
)

func (p program) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status [TASK] [flags]", Short: "Show what is applied, and why nothing runs now", Args: atMostOne, Annotations: hasJSON(),
		Long: `kitops status asks the running agent how its tasks stand: for each branch the
revision that is applied, the last run, and why nothing runs now. Where no agent
runs, the state file answers. It ends with 4 where there is neither.`,
		Example: "  kitops status\n  kitops status shop --json\n  kitops status --check",
	}
	check := cmd.Flags().Bool("check", false, "end with 1 where a last run has failed")
	return p.asking(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		return c.Status(ctx, first(args), *check)
	})
}
