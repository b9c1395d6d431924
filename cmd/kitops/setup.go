package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/app/setup"
	"github.com/bittrance/kitops/cmd/kitops/initfile"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/status/page"
)

func (p program) setupCommand() *cobra.Command {
	s, with, pageURL := setup.Setup{}, []string(nil), ""
	first := initfile.Registered{Program: os.Args[0], Environ: p.environ, Out: p.stdout, Errors: p.stderr}
	cmd := &cobra.Command{
		Use: "setup [flags]", Short: "Register a GitHub App in the browser and store its credentials", Args: noArgs,
		Long: `kitops setup registers a GitHub App of your own in the browser, stores its
credentials, waits until you have installed it, and writes a task file for the
repositories that it reaches. Nothing has to be copied by hand.

A run without --github-app-id then uses this App.`,
		Example: "  kitops setup --org acme\n  kitops setup --github-api-url https://github.example.com/api/v3\n  kitops setup --with page --page-url https://kitops.example.com",
		RunE: interruptible(func(ctx context.Context) error {
			var err error
			if s.With, s.LoginURL, err = wanted(with, pageURL); err != nil {
				return err
			}
			return first.Setup(ctx, s)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&s.Org, "org", "", "organization that is to own the App (default: you)")
	flags.StringVar(&s.Name, "name", "", "name of the App (default: kitops-ORG)")
	flags.StringVar(&s.Dir, "dir", settings.ConfigDir(p.environ), "where to store the App")
	flags.StringVar(&s.WebhookURL, "webhook-url", "", "where GitHub is to send webhooks (default: nowhere)")
	flags.StringVar(&s.APIURL, "github-api-url", settings.APIURL(p.environ), "GitHub Enterprise Server: https://HOST/api/v3; GHE.com: https://api.TENANT.ghe.com")
	flags.StringVar(&s.Listen, "listen", "127.0.0.1:0", "loopback address of the pages")
	flags.StringSliceVar(&with, "with", nil, "what else the App is for: page, so that people log in to the page with GitHub; "+strings.Join(setup.Features(), ", "))
	flags.StringVar(&pageURL, "page-url", "", "with page: the public address of the page, such as https://kitops.example.com")
	return cmd
}

// wanted are the features that the App is for, and where GitHub is to send people back to who log in to the page; "" where
// they do not.
func wanted(with []string, pageURL string) (features []string, loginURL string, err error) {
	logins := false
	for _, what := range with {
		switch {
		case what == "page":
			logins = true
		case !slices.Contains(setup.Features(), what):
			return nil, "", settings.Mistake("--with: %q is none of page, %s", what, strings.Join(setup.Features(), ", "))
		case !slices.Contains(features, what):
			features = append(features, what)
		}
	}
	switch {
	case !logins && pageURL == "":
		return features, "", nil
	case !logins:
		return nil, "", settings.Mistake("--page-url goes with --with page")
	case pageURL == "":
		return nil, "", settings.Mistake("--with page needs --page-url, the address at which browsers reach the page")
	}
	callback, err := page.CallbackOf(pageURL)
	if err != nil {
		return nil, "", settings.Mistake("--page-url: %w", err)
	}
	return features, callback, nil
}
