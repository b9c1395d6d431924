package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/app/setup"
	"github.com/bittrance/kitops/cmd/kitops/client"
)

func (p program) pageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "page [flags]", Short: "Log in to the agent's page", Args: noArgs, Annotations: hasJSON(),
		Long: `kitops page prints the address of the running agent's page, with a login that
works once, for five minutes. On a desktop it opens the browser. Who logs in so
acts as you, as with the other commands, for at most seven days.`,
		Example: "  kitops page\n  kitops page --revoke",
	}
	revoke := cmd.Flags().Bool("revoke", false, "log everybody out, and take back what was not used yet")
	cmd = p.asking(cmd, func(ctx context.Context, c *client.Client, _ []string) error {
		if *revoke {
			return c.Revoke(ctx)
		}
		return c.Page(ctx, func(page, address string) (tunnel string) {
			if !c.Terminal {
				return ""
			}
			return setup.Browse(ctx, p.environ, page, address)
		})
	})
	cmd.ValidArgsFunction = nil
	return cmd
}
