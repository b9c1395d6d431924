package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/wiring"
)

// pathsCommand tells what a task's paths make of a change.
func (p program) pathsCommand() *cobra.Command {
	cmd := p.withOptions(&cobra.Command{
		Use: "paths TASK [A..]B [flags]", Short: "Tell whether a change would run, and which pattern of paths matches what",
		Long: `kitops paths compares two revisions by the paths of a task: it lists the files
that have changed, each with the pattern that selects or excludes it. It runs
nothing, and knows nothing of what was applied. A and B are branches, tags, HEAD
or whole SHAs; in A.. and ..B what is left out is HEAD. Without A.., B is
compared with where it left the default branch.
It ends with 0 if it would run, 10 if there is nothing to run.`,
		Example: "  kitops paths api main..feature --config-file tasks.yaml\n  kitops paths api feature --config-file tasks.yaml",
	})
	cmd.Args = func(cmd *cobra.Command, args []string) error { return misused(cmd, len(args) == 2) }
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return interruptible(func(ctx context.Context) error {
			return wiring.Paths(ctx, p.options, p.process(), wiring.Change{Task: args[0], Span: args[1]}, p.stdout)
		})(cmd, args)
	}
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		s, _, err := p.options.Load(p.environ)
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, t := range s.Tasks {
			names = append(names, t.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}
