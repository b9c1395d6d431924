package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bittrance/kitops/cmd/kitops/initfile"
)

func (p program) initCommand() *cobra.Command {
	i := initfile.Init{Environ: p.environ, In: os.Stdin, Ask: p.stderr, Out: p.stdout}
	cmd := &cobra.Command{
		Use: "init [flags]", Short: "Ask what to watch and do, and write the task file", Args: noArgs,
		Long: `kitops init asks which repository to watch and what to run when it changes, and
writes a task file with comments. What a flag says is not asked. In a clone it
proposes the clone's origin. A file that is there stays as it is.`,
		Example: "  kitops init\n  kitops init --url https://github.com/acme/shop --action ./deploy.sh",
		RunE: func(cmd *cobra.Command, _ []string) error {
			i.BranchGiven = cmd.Flags().Changed("branch")
			i.Terminal = term.IsTerminal(int(os.Stdin.Fd()))
			return i.Run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&i.URL, "url", "", "repository to watch")
	flags.StringVar(&i.Branch, "branch", "", "branch, or a pattern such as release/* (default: the remote's default branch)")
	flags.StringVar(&i.Action, "action", "", "command line to run in a checkout of each new commit")
	flags.StringVar(&i.Path, "config-file", "tasks.yaml", "the task file to write")
	return cmd
}
