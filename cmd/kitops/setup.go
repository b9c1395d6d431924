package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/caarlos0/env/v10"
	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/setup"
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
	s.Installed = func(stored app.Stored, reaches []app.Reach) (setup.Instructions, error) {
		return p.installed(s.Dir, stored, reaches)
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

// installed writes the task file, if there is none, and says how to run kitops on it.
func (p program) installed(dir string, stored app.Stored, reaches []app.Reach) (setup.Instructions, error) {
	var i setup.Instructions
	web, err := app.WebURL(stored.APIURL)
	if err != nil {
		return i, err
	}
	var repositories []app.Found
	for _, reach := range reaches {
		repositories = append(repositories, reach.Repositories...)
		fmt.Fprintf(p.stdout, "The App reaches %d repositories of %s (%s).\n", len(reach.Repositories), status.Printable(reach.Account), reach.Settings)
	}
	if len(repositories) == 0 {
		fmt.Fprintln(p.stdout, "Select repositories there, then run kitops with --url and --action.")
		return i, nil
	}
	i = setup.Instructions{
		Path:     filepath.Join(dir, "tasks.yaml"),
		TaskFile: tasksFor(web, repositories),
		Command:  p.runCommand(dir, stored),
	}
	switch err := app.WriteNew(i.Path, []byte(i.TaskFile)); {
	case errors.Is(err, fs.ErrExist):
		fmt.Fprintf(p.stdout, "\n%s is there already and stays as it is. A task file for these repositories is:\n", i.Path)
	case err != nil:
		return i, &app.SetupError{
			Problem: fmt.Sprintf("the App is stored and installed, but its task file could not be written (%v)", err),
			Remedy:  "run kitops with --url and --action, or with a task file of your own",
		}
	default:
		fmt.Fprintf(p.stdout, "\nThe task file %s is written; put your own actions there:\n", i.Path)
	}
	fmt.Fprintf(p.stdout, "\n%s\nRun kitops:\n\n  %s\n", i.TaskFile, i.Command)
	return i, nil
}

// tasksFor is a task file with one task on everything that the App reaches.
func tasksFor(web string, repositories []app.Found) string {
	var owners []string
	for _, r := range repositories {
		if !slices.Contains(owners, r.Owner) {
			owners = append(owners, r.Owner)
		}
	}
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=" + settings.SchemaURL + "\ntasks:\n  - name: hello\n    git:\n      urls: # all repositories of these accounts that the App is installed on\n")
	for _, owner := range owners {
		fmt.Fprintf(&b, "        - %s/%s/*\n", web, owner)
	}
	b.WriteString("    on_new: run # also what is there already; without it only what is pushed from now on\n")
	b.WriteString("    actions:\n      - name: greet\n        run: echo \"$KITOPS_TASK_NAME is at $KITOPS_SHA\"\n")
	return b.String()
}

// runCommand is the command that watches what the task file names.
func (p program) runCommand(dir string, stored app.Stored) string {
	args := []string{os.Args[0], "--config-file", filepath.Join(dir, "tasks.yaml")}
	if dir != settings.ConfigDir(p.environ) {
		args = append(args, "--github-app-id", fmt.Sprint(stored.AppID), "--github-private-key-file", stored.PrivateKeyFile)
	}
	if stored.APIURL != settings.DefaultConfig().App.APIURL {
		args = append(args, "--github-api-url", stored.APIURL)
	}
	for i := range args {
		args[i] = shellWord(args[i])
	}
	return strings.Join(args, " ")
}

var plainWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./\\-]+$`) }) //nolint:gochecknoglobals // compiled when it is needed

func shellWord(s string) string {
	if plainWord().MatchString(s) && (os.PathSeparator == '\\' || !strings.Contains(s, `\`)) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
