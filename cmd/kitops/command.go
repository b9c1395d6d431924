package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// command is kitops with all its commands. Each has a file of its name, which
// says what it takes and calls the room that does it.
func (p program) command() *cobra.Command {
	p.options, p.flags = settings.NewOptions(), pflag.NewFlagSet("", pflag.ContinueOnError)
	p.options.Register(p.flags)
	root := p.runCommand()
	root.Use = "kitops [flags]"
	root.Short = "Watch Git repositories and run commands when they change"
	root.Long = `kitops watches Git repositories and runs commands on a fresh checkout when a
branch moves. It asks the repositories from where it runs, so nothing has to be
able to reach it.`
	root.Example = `  kitops --url https://github.com/acme/shop --action ./deploy.sh
  kitops --url . --action 'make test' --poll-once
  kitops --config-file tasks.yaml --state-file /var/lib/kitops/state.yaml`
	root.AddCommand(
		p.runCommand(),
		p.checkCommand(),
		p.pathsCommand(),
		p.doctorCommand(),
		p.setupCommand(),
		p.initCommand(),
		p.serviceCommand(),
		p.upgradeCommand(),
		p.statusCommand(),
		p.runsCommand(),
		p.logsCommand(),
		p.pageCommand(),
		p.pollCommand(),
		p.againCommand(),
		p.cancelCommand(),
		p.rollbackCommand(),
		p.pinCommand(),
		p.unpinCommand(),
		p.approveCommand(),
		p.pauseCommand(),
		p.resumeCommand(),
		p.credentialCommand(),
		p.schemaCommand(),
		p.stateCommand(),
		p.membersCommand(),
		p.versionCommand(),
	)
	root.SilenceUsage, root.SilenceErrors = true, true
	root.Version = p.build.Line()
	root.SetVersionTemplate("kitops {{.Version}}\n")
	root.PersistentFlags().BoolP("help", "h", false, "show this text")
	root.SetHelpCommand(p.helpCommand())
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { p.help(cmd) })
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return settings.Mistake("%w (%s --help lists the flags)", err, cmd.CommandPath())
	})
	return root
}

// withOptions gives a command the flags of the run.
func (p program) withOptions(cmd *cobra.Command) *cobra.Command {
	cmd.Args = noArgs
	cmd.Flags().AddFlagSet(p.flags)
	return cmd
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return unknown(args[0])
}

func unknown(command string) error {
	return settings.Mistake("unknown command %q (kitops --help lists the commands and flags)", command)
}

// interruptible is a command that Ctrl-C and SIGTERM end; a second one ends it at once.
func interruptible(do func(context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		return do(ctx)
	}
}

// helpCommand is cobra's, but a topic that is none is a mistake.
func (p program) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Describe a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknown(strings.Join(args, " "))
			}
			return about.Help()
		},
	}
}

func (p program) help(cmd *cobra.Command) {
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	fmt.Fprintf(p.stdout, "%s\n\nUsage:\n  %s\n", about, cmd.UseLine())
	if cmd.HasExample() {
		fmt.Fprintf(p.stdout, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(p.stdout, "\nCommands:\n")
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(p.stdout, "  %-12s %s\n", sub.Name(), settings.Wrapped(sub.Short, 15))
		}
	}
	if cmd.Flags().Lookup("interval") == nil { // not those of the run
		fmt.Fprintf(p.stdout, "\nFlags:\n%s", cmd.Flags().FlagUsagesWrapped(80))
		return
	}
	p.options.WriteHelp(p.stdout, cmd.Name())
	fmt.Fprint(p.stdout, `
Exit codes: 0 all well; 1 a poll or a run failed, or could not start;
2 usage or configuration; 3 another kitops holds the state file or --repo-dir.
`)
}
