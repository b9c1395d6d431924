package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/service"
)

func (p program) serviceCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "service", Short: "Install kitops as a service, see how it is, remove it",
		Long: `kitops service makes kitops a service of systemd, launchd or Windows: of this
machine, or with --user of your own. Install takes over what kitops init and
kitops setup made.`,
		Example: "  sudo kitops service install\n  kitops service install --user --config-file tasks.yaml\n  kitops service status",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	s := &service.Service{Environ: p.environ, Out: p.stdout}
	add := func(name, short, long string, do func(context.Context) error) *cobra.Command {
		cmd := &cobra.Command{
			Use: name + " [flags]", Short: short, Long: long, Args: noArgs, RunE: interruptible(do),
			Example: "  kitops service " + name + "\n  kitops service " + name + " --user",
		}
		cmd.Flags().BoolVar(&s.User, "user", false, "your own service, not the machine's")
		root.AddCommand(cmd)
		return cmd
	}
	install := add("install", "Install the service, or bring it up to date, and start it", `kitops service install copies this program, your task file and your App to where
the service has them, writes the unit, starts it, and ends when kitops is ready.
What is there already stays; it may be called again at any time.`, s.Install)
	install.Flags().BoolVar(&s.NoStart, "no-start", false, "do not start it now")
	install.Flags().StringVar(&s.ConfigFile, "config-file", "", "task file (default: the installed one, or the one that kitops setup or kitops init wrote)")
	add("status", "Show whether it runs, and its paths", `kitops service status shows whether the service runs, and its paths. It ends
with 1 if it does not run.`, s.Status)
	add("uninstall", "Stop the service and remove its unit", `kitops service uninstall stops the service and removes its unit. Tasks, keys and
state stay; it says where.`, s.Uninstall)
	return root
}
