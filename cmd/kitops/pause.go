package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/client"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
)

func (p program) pauseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "pause [TASK] [flags]", Short: "Run nothing new of a task", Args: atMostOne, Annotations: hasJSON(),
		Long: `kitops pause has the agent run nothing new of a task, until a time or until
kitops resume. What runs goes on, and the task is polled all the same. Where no
agent runs, the next one heeds it.`,
		Example: "  kitops pause shop --for 2h --reason 'the sale'\n  kitops pause shop --until 18:00\n  kitops pause --all",
	}
	o := poller.Order{What: poller.Pause}
	flags := cmd.Flags()
	long := flags.Duration("for", 0, "how long, such as 90m; then it goes on by itself")
	until := flags.String("until", "", "until when: 18:00, 2026-05-04 18:00 or in RFC 3339; then it goes on by itself")
	flags.StringVar(&o.Reason, "reason", "", "why, for who looks at it")
	all := flags.Bool("all", false, "all tasks, instead of one")
	return p.asking(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if err := misused(cmd, (len(args) == 1) != *all && *long >= 0 && (*long == 0 || *until == "")); err != nil {
			return err
		}
		now := time.Now()
		switch {
		case *long > 0:
			o.Until = now.Add(*long)
		case *until != "":
			var err error
			if o.Until, err = client.Moment(*until, now); err != nil {
				return settings.Mistake("--until: %w", err)
			}
		}
		return c.Order(ctx, first(args), o)
	})
}

func (p program) resumeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "resume [TASK] [flags]", Short: "End a pause", Args: atMostOne, Annotations: hasJSON(),
		Long:    "kitops resume ends what kitops pause began.",
		Example: "  kitops resume shop\n  kitops resume --all",
	}
	all := cmd.Flags().Bool("all", false, "all tasks, instead of one")
	return p.asking(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if err := misused(cmd, (len(args) == 1) != *all); err != nil {
			return err
		}
		return c.Order(ctx, first(args), poller.Order{What: poller.Resume})
	})
}
