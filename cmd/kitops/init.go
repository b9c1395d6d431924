package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bittrance/kitops/cmd/kitops/initfile"
)

// initCommand writes the first task file.
func (p program) initCommand() *cobra.Command {
	i := initfile.Init{Environ: p.environ, In: os.Stdin, Ask: p.stderr}
	cmd := &cobra.Command{
		Use: "init [flags]", Short: "Ask what to watch and do, and write the task file", Args: noArgs,
		Long: `kitops init asks which repository to watch and what to run when it changes, and
writes a task file with comments. What a flag says is not asked. In a clone it
proposes the clone's origin. A file that is there stays as it is.`,
		Example: "  kitops init\n  kitops init --url https://github.com/acme/shop --action ./deploy.sh",
		RunE: func(cmd *cobra.Command, _ []string) error {
			i.BranchGiven = cmd.Flags().Changed("branch")
			i.Terminal = term.IsTerminal(int(os.Stdin.Fd()))
			if err := i.Run(cmd.Context()); err != nil {
				return err
			}
			command := "kitops --config-file " + initfile.ShellWord(i.Path)
			_, err := fmt.Fprintf(p.stdout, "%s is written. Run it once, then for good:\n\n  %s --poll-once\n  %s\n", i.Path, command, command)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&i.URL, "url", "", "repository to watch")
	flags.StringVar(&i.Branch, "branch", "", "branch, or a pattern such as release/* (default: the remote's default branch)")
	flags.StringVar(&i.Action, "action", "", "command line to run in a checkout of each new commit")
	flags.StringVar(&i.Path, "config-file", "tasks.yaml", "the task file to write")
	p.ownFlags(cmd)
	return cmd
}

// ownFlags has the help and the mistakes of a command that has flags of its own.
func (p program) ownFlags(cmd *cobra.Command) {
	cmd.Flags().BoolP("help", "h", false, "show this text")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (%s --help lists the flags)", err, cmd.CommandPath())}
	})
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		fmt.Fprintf(p.stdout, "%s\n\nUsage:\n  %s\n\nExamples:\n%s\n", cmd.Long, cmd.UseLine(), cmd.Example)
		p.helpCommands(cmd)
		fmt.Fprintf(p.stdout, "\nFlags:\n%s", cmd.Flags().FlagUsagesWrapped(80))
	})
}
