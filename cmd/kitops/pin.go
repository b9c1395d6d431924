package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/client"
	"github.com/bittrance/kitops/poller"
)

func (p program) rollbackCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rollback TASK [flags]", Short: "Go back to the revision before, until another head appears", Args: one, Annotations: hasJSON(),
		Long: `kitops rollback runs the revision that was applied before the present one, or the
one that --to names, and stays there until a head appears that is another than the
one rolled back from.`,
		Example: "  kitops rollback shop --reason 'the basket is empty'\n  kitops rollback shop --to 8e1f6a2 --now",
	}
	o := poller.Order{What: poller.Rollback}
	cmd.Flags().StringVar(&o.SHA, "to", "", "the revision, or its first digits (default: the one applied before)")
	return p.pinning(cmd, &o, func(args []string) error { return one(cmd, args) })
}

func (p program) pinCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "pin TASK SHA [flags]", Short: "Stay at a revision, whatever is pushed", Args: cobra.ArbitraryArgs, Annotations: hasJSON(),
		Long:    "kitops pin runs a revision and stays there until kitops unpin, whatever is pushed.",
		Example: "  kitops pin shop 8e1f6a2 --reason 'until the migration'",
	}
	o := poller.Order{What: poller.Pin}
	return p.pinning(cmd, &o, func(args []string) error {
		if err := misused(cmd, len(args) == 2); err != nil {
			return err
		}
		o.SHA = args[1]
		return nil
	})
}

// pinning are the flags and the work that pin and rollback have in common.
func (p program) pinning(cmd *cobra.Command, o *poller.Order, take func(args []string) error) *cobra.Command {
	flags := cmd.Flags()
	flags.StringVar(&o.Ref, "ref", "", "the branch, or ref in full, where the task has several")
	flags.StringVar(&o.Reason, "reason", "", "why, for who looks at it")
	flags.BoolVar(&o.Anyway, "anyway", false, "also outside of the windows of the task")
	now := flags.Bool("now", false, "cancel what runs first, rather than wait for its end")
	return p.asking(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if err := take(args); err != nil {
			return err
		}
		return c.Pin(ctx, args[0], *o, *now)
	})
}

func (p program) unpinCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "unpin TASK [flags]", Short: "End a pin or a rollback", Args: one, Annotations: hasJSON(),
		Long:    "kitops unpin ends what kitops pin or kitops rollback began: the head runs again.",
		Example: "  kitops unpin shop",
	}
	o := poller.Order{What: poller.Unpin}
	cmd.Flags().StringVar(&o.Ref, "ref", "", "the branch, or ref in full, where several are pinned")
	return p.asking(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		return c.Order(ctx, args[0], o)
	})
}
