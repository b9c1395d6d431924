package main

import (
	"cmp"
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bittrance/kitops/cmd/kitops/client"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/api"
)

// asking makes a command one that asks the running agent.
func (p program) asking(cmd *cobra.Command, do func(ctx context.Context, c *client.Client, args []string) error) *cobra.Command {
	c := &client.Client{Out: p.stdout, Err: p.stderr, History: p.variable("KITOPS_HISTORY", "")}
	flags := cmd.Flags()
	flags.StringVar(&c.State, "state-file", p.variable("KITOPS_STATE_FILE", "./state.yaml"), "the agent's state file")
	flags.StringVar(&c.Store, "state", p.variable("KITOPS_STATE", ""), "instead of it: the store that instances share, which is asked where none runs here")
	flags.StringVar(&c.Control, "control", p.variable("KITOPS_CONTROL", ""), "the agent's control socket (default: STATE_FILE.sock)")
	instance := flags.String("instance", p.variable("KITOPS_INSTANCE", ""), "of a task that each instance runs for itself, this one's, where the store is asked")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if file, is := p.stdout.(*os.File); is && term.IsTerminal(int(file.Fd())) {
			c.Terminal = true
			c.Width, _, _ = term.GetSize(int(file.Fd()))
		}
		c.Named = flags.Changed("control") || p.variable("KITOPS_CONTROL", "") != ""
		p.share(c, *instance)
		return interruptible(func(ctx context.Context) error { return do(ctx, c, args) })(cmd, args)
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		p.share(c, *instance)
		return c.TaskNames(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}
	if cmd.Annotations["json"] != "" {
		flags.BoolVar(&c.JSON, "json", false, "print what the agent's API answers")
	}
	return cmd
}

// share has a client ask a store that instances share, and the agent on this host that does.
func (p program) share(c *client.Client, instance string) {
	if c.Store == "" {
		return
	}
	c.State = settings.BesideOf(c.Store, "", p.variable("KITOPS_REPO_DIR", ""))
	if strings.HasPrefix(c.Store, "file:") {
		return
	}
	c.Outside = func(ctx context.Context) (poller.Outside, error) {
		return wiring.Outside(ctx, c.Store, instance, p.process())
	}
	if c.Control == "" {
		c.Control = cmp.Or(api.Shared(p.process().Getenv, c.State), "off")
	}
}

// variable is what a variable says, or else.
func (p program) variable(name, otherwise string) string {
	for _, entry := range p.environ {
		if value, is := strings.CutPrefix(entry, name+"="); is {
			otherwise = value
		}
	}
	return otherwise
}

// hasJSON is the annotation of commands that print JSON, too.
func hasJSON() map[string]string { return map[string]string{"json": "yes"} }

// atMostOne is for commands that take one argument, or one at most.
func atMostOne(cmd *cobra.Command, args []string) error {
	return misused(cmd, len(args) <= 1)
}

// one is for commands that take one argument.
func one(cmd *cobra.Command, args []string) error { return misused(cmd, len(args) == 1) }

func misused(cmd *cobra.Command, right bool) error {
	if right {
		return nil
	}
	return settings.Mistake("usage: %s", cmd.UseLine())
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
