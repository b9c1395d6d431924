package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/build"
	"github.com/bittrance/kitops/cmd/kitops/doctor"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/systemd"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/status"
)

// The exit codes, as docs/configuration.md lists them.
const (
	exitFailure = 1 // a poll or a run failed, could not start, or was stopped the hard way
	exitUsage   = 2 // usage, configuration, unreadable state file
	exitLocked  = 3 // another kitops holds the state file or the directory for clones
)

// Set by the linker.
var (
	version = ""
	second  = "" //nolint:gochecknoglobals // for tests: what pauses that wait for a remote are counted in
)

func main() {
	exposed := actions.Isolate()
	crashBySignal(exposed == nil && runtime.GOOS == "linux")
	p := program{environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, exposed: exposed, systemd: systemd.Socket(os.Getenv("NOTIFY_SOCKET"))}
	os.Exit(p.main(os.Args[1:]))
}

// program is the process with what it got from outside.
type program struct {
	environ        []string
	stdout, stderr io.Writer
	exposed        error // why others of the same user can read this process's memory
	systemd        systemd.Socket
}

// process is what the agent tells the rest of the program about itself.
func (p program) process() wiring.Process {
	executable, _ := os.Executable()
	home, _ := os.UserHomeDir()
	second, _ := time.ParseDuration(second) // none: as usual
	return wiring.Process{
		Environ: p.environ, Executable: executable, Home: home, SSHAgent: os.Getenv("SSH_AUTH_SOCK"),
		Agent: "kitops/" + p.build().Version(), Second: second,
	}
}

// usageError is a mistake on the command line itself.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func (p program) main(args []string) int {
	root := p.command()
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return 0
	}
	untold := poller.Untold(err)
	if untold == nil {
		return exitCode(err)
	}
	queue := status.NewLogQueue(p.stderr, func(w io.Writer, lines int) { fmt.Fprintf(w, "kitops: %d lines were not written\n", lines) })
	defer queue.Close(lastWords)
	for line := range strings.Lines(untold.Error()) {
		text := "kitops: " + status.Printable(strings.TrimRight(line, "\n"))
		if status.ToJournal(p.stderr) {
			text = status.JournalError(text)
		}
		fmt.Fprintln(queue, text)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var (
		config *settings.Error
		usage  usageError
		format *store.FormatError
		locked *store.LockedError
	)
	switch {
	case errors.As(err, &locked):
		return exitLocked
	case errors.As(err, &config), errors.As(err, &usage), errors.As(err, &format):
		return exitUsage
	}
	return exitFailure
}

func (p program) command() *cobra.Command {
	all := settings.NewOptions()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError) // made once, several commands have them
	all.Register(flags)
	withFlags := func(cmd *cobra.Command) *cobra.Command { return p.withFlags(all, flags, cmd) }
	run := func(*cobra.Command, []string) error { return p.run(all) }
	root := &cobra.Command{
		Use:   "kitops [flags]",
		Short: "Watch Git repositories and run commands when they change",
		Long: `kitops watches Git repositories and runs commands on a fresh checkout when a
branch moves. It asks the repositories from where it runs, so nothing has to be
able to reach it.`,
		Example: `  kitops --url https://github.com/acme/shop --action ./deploy.sh
  kitops --url . --action 'make test' --poll-once
  kitops --config-file tasks.yaml --state-file /var/lib/kitops/state.yaml`,
		Version:       p.build().Line(),
		RunE:          run,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		withFlags(&cobra.Command{Use: "run [flags]", Short: "Watch and act until SIGTERM (the default command)", RunE: run}),
		withFlags(&cobra.Command{
			Use: "check [flags]", Short: "Read flags, environment and task file, print every mistake, touch nothing",
			RunE: func(*cobra.Command, []string) error { return p.check(all) },
		}),
		withFlags(&cobra.Command{
			Use: "doctor [flags]", Short: "Try everything that a run needs, and say how to fix what does not work",
			RunE: func(cmd *cobra.Command, _ []string) error {
				return (&doctor.Doctor{Out: p.stdout, Process: p.process()}).Run(cmd.Context(), all)
			},
		}),
		p.setupCommand(),
		p.initCommand(),
		p.serviceCommand(),
		p.credentialCommand(),
		&cobra.Command{
			Use: "schema", Short: "Print the JSON schema of the task file", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return settings.WriteSchema(p.stdout) },
		},
		&cobra.Command{
			Use: "version", Short: "Print the version, where it comes from, and how it is updated", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return p.build().Write(p.stdout) },
		},
	)
	root.SetHelpCommand(p.helpCommand())
	root.SetVersionTemplate("kitops {{.Version}}\n")
	return withFlags(root)
}

// withFlags gives a command all options, and a help that teaches them.
func (p program) withFlags(all settings.Options, flags *pflag.FlagSet, cmd *cobra.Command) *cobra.Command {
	cmd.Args = noArgs
	cmd.Flags().AddFlagSet(flags)
	cmd.Flags().BoolP("help", "h", false, "show this text")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (kitops --help lists the flags)", err)}
	})
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { p.help(all, cmd) })
	return cmd
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("unknown command %q (kitops --help lists the commands and flags)", args[0])}
}

func (p program) check(all settings.Options) error {
	cfg, warnings, err := all.Load(p.environ)
	for _, warning := range warnings {
		fmt.Fprintln(p.stderr, "kitops: warning: "+status.Printable(warning))
	}
	if err != nil {
		return err
	}
	if err := wiring.New(p.process(), "", cfg.Git.MaxSize, cfg.App.APIURL, slog.New(slog.DiscardHandler)).Try(cfg); err != nil {
		return err
	}
	return all.WriteSettings(p.stdout, cfg)
}

// build is what this program is.
func (p program) build() build.Build {
	info, _ := debug.ReadBuildInfo()
	executable, _ := os.Executable()
	return build.Build{Linked: version, Info: info, Program: executable, Environ: p.environ, Root: os.DirFS("/")}
}
