package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// helpCommand is cobra's, but a topic that is none is a mistake.
func (p program) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Describe a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{fmt.Errorf("unknown command %q (kitops --help lists the commands and flags)", strings.Join(args, " "))}
			}
			return about.Help()
		},
	}
}

// aside are the flags that a command takes, so that it can be called with those
// of the run, and makes nothing of.
func aside(command string) []string {
	switch command {
	case "doctor":
		return []string{"POLL_ONCE", "LOG_FORMAT", "LOG_LEVEL", "MAX_PARALLEL", "INTERVAL", "TIMEOUT", "STATUS_URL", "DELIVERIES_INTERVAL"}
	case "check":
		return []string{"POLL_ONCE"}
	}
	return nil
}

func (p program) help(all settings.Options, cmd *cobra.Command) {
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	fmt.Fprintf(p.stdout, "%s\n\nUsage:\n  %s\n", about, cmd.UseLine())
	if cmd.HasExample() {
		fmt.Fprintf(p.stdout, "\nExamples:\n%s\n", cmd.Example)
	}
	p.helpCommands(cmd)
	if cmd.Flags().Lookup("url") == nil {
		return
	}
	shown := slices.DeleteFunc(slices.Clone(all), func(o *settings.Option) bool { return slices.Contains(aside(cmd.Name()), o.Key()) })
	shown.WriteHelp(p.stdout)
	if len(shown) < len(all) {
		fmt.Fprint(p.stdout, "\nThe other flags of kitops run are taken, too, and make no difference here.\n")
	}
	fmt.Fprint(p.stdout, `
Every flag has the variable beside it; the flag wins. A task's own key in the
task file wins over both.

Exit codes: 0 all well; 1 a poll or a run failed, or could not start;
2 usage or configuration; 3 another kitops holds the state file or --repo-dir.
`)
}

func (p program) helpCommands(cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	fmt.Fprintf(p.stdout, "\nCommands:\n")
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(p.stdout, "  %-12s %s\n", sub.Name(), settings.Wrapped(sub.Short, 15))
		}
	}
}
