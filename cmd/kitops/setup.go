package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/caarlos0/env/v10"
	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/setup"
	"github.com/bittrance/kitops/cmd/kitops/initfile"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/status"
)

// setupCommand has flags of its own: what it needs to know is little.
func (p program) setupCommand() *cobra.Command {
	s := setup.Setup{}
	cmd := &cobra.Command{
		Use: "setup [flags]", Short: "Register a GitHub App in the browser and store its credentials", Args: noArgs,
		Long: `kitops setup registers a GitHub App of your own in the browser, stores its
credentials, waits until you have installed it, and writes a task file for the
repositories that it reaches. Nothing has to be copied by hand.

A run without --github-app-id then uses this App.`,
		Example: "  kitops setup --org acme\n  kitops setup --github-api-url https://github.example.com/api/v3",
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.setup(cmd.Context(), s) },
	}
	variables := env.ToMap(p.environ)
	api := variables[settings.VariablePrefix+"GITHUB_API_URL"]
	if api == "" {
		api = settings.DefaultConfig().App.APIURL
	}
	flags := cmd.Flags()
	flags.StringVar(&s.Org, "org", "", "organization that is to own the App (default: you)")
	flags.StringVar(&s.Name, "name", "", "name of the App (default: kitops-ORG)")
	flags.StringVar(&s.Dir, "dir", settings.ConfigDir(p.environ), "where to store the App")
	flags.StringVar(&s.WebhookURL, "webhook-url", "", "where GitHub is to send webhooks (default: nowhere)")
	flags.StringVar(&s.APIURL, "github-api-url", api, "GitHub Enterprise Server: https://HOST/api/v3; GHE.com: https://api.TENANT.ghe.com")
	flags.StringVar(&s.Listen, "listen", "127.0.0.1:0", "loopback address of the pages")
	p.ownFlags(cmd)
	return cmd
}

// setup lets the user register an App. Ctrl-C ends it; a second one at once.
func (p program) setup(ctx context.Context, s setup.Setup) error {
	if s.Dir == "" {
		return usageError{errors.New("neither HOME nor XDG_CONFIG_HOME says where to store the App: give --dir")}
	}
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return fmt.Errorf("locate %s: %w", s.Dir, err)
	}
	s.Dir = dir
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	s.Opened = func(address, page string) { p.opened(ctx, address, page) }
	s.Registered = func(stored app.Stored) {
		fmt.Fprintf(p.stdout, "The App %s of %s is registered and stored in %s. Install it:\n\n  %s\n\n", status.Printable(stored.Name), status.Printable(stored.Owner), s.Dir, stored.InstallURL())
	}
	s.Trouble = func(err error) {
		fmt.Fprintln(p.stderr, "kitops: looking for the installation, will try again: "+status.Printable(err.Error()))
	}
	first := initfile.Registered{Program: os.Args[0], Environ: p.environ, Out: p.stdout}
	s.Installed = func(stored app.Stored, reaches []app.Reach) (setup.Instructions, error) {
		return first.Write(s.Dir, stored, reaches)
	}
	return s.Run(ctx)
}

// opened shows the first page, or how to get to it.
func (p program) opened(ctx context.Context, address, page string) {
	fmt.Fprintf(p.stdout, "Register the App on this page:\n\n  %s\n\n", address)
	if tunnel := setup.Browse(ctx, p.environ, page, address); tunnel != "" {
		fmt.Fprintf(p.stdout, "No browser can be opened here. To open it on another machine, run this there first:\n\n  %s\n\n", tunnel)
	}
}
