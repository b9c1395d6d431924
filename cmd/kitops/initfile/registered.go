package initfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/setup"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/status"
)

// Registered writes the first task file of a GitHub App that was just installed.
type Registered struct {
	Program string // the name kitops is called by
	Environ []string
	Out     io.Writer // what the user reads
	Errors  io.Writer // why nothing goes on for now
}

// Setup has the user register an App, tells how that goes, and writes the task file. It returns when all is done.
func (r Registered) Setup(ctx context.Context, s setup.Setup) error {
	if s.Dir == "" {
		return settings.Mistake("neither HOME nor XDG_CONFIG_HOME says where to store the App: give --dir")
	}
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return fmt.Errorf("locate %s: %w", s.Dir, err)
	}
	s.Dir = dir
	what := "Register the App on this page"
	s.Resumed = func(stored app.Stored) {
		what = "Install it on this page"
		fmt.Fprintf(r.Out, "The App %s of %s is registered already, and stored in %s: setup goes on with it.\n\n", status.Printable(stored.Name), status.Printable(stored.Owner), dir)
	}
	s.Opened = func(address, page string) {
		fmt.Fprintf(r.Out, "%s:\n\n  %s\n\n", what, address)
		if tunnel := setup.Browse(ctx, r.Environ, page, address); tunnel != "" {
			fmt.Fprintf(r.Out, "No browser can be opened here. To open it on another machine, run this there first:\n\n  %s\n\n", tunnel)
		}
	}
	s.Registered = func(stored app.Stored) {
		fmt.Fprintf(r.Out, "The App %s of %s is registered and stored in %s. Install it:\n\n  %s\n\n", status.Printable(stored.Name), status.Printable(stored.Owner), dir, stored.InstallURL())
	}
	s.Trouble = func(err error) {
		fmt.Fprintln(r.Errors, "kitops: looking for the installation, will try again: "+status.Printable(err.Error()))
	}
	s.Installed = func(stored app.Stored, reaches []app.Reach) (setup.Instructions, error) {
		return r.Write(dir, stored, reaches)
	}
	return s.Run(ctx)
}

// Write writes tasks.yaml below the App's directory, if there is none, and says
// how to run kitops on it. Without repositories there is nothing to write.
func (r Registered) Write(dir string, stored app.Stored, reaches []app.Reach) (setup.Instructions, error) {
	var i setup.Instructions
	web, err := app.WebURL(stored.APIURL)
	if err != nil {
		return i, err
	}
	var repositories []app.Found
	for _, reach := range reaches {
		repositories = append(repositories, reach.Repositories...)
		fmt.Fprintf(r.Out, "The App reaches %d repositories of %s (%s).\n", len(reach.Repositories), status.Printable(reach.Account), reach.Settings)
	}
	if len(repositories) == 0 {
		fmt.Fprintln(r.Out, "Select repositories there, then run kitops with --url and --action.")
		return i, nil
	}
	i = setup.Instructions{
		Path:     filepath.Join(dir, "tasks.yaml"),
		TaskFile: tasksFor(web, repositories),
		Command:  r.command(dir, stored),
	}
	if dir == settings.ConfigDir(r.Environ) {
		i.Service = r.service()
	}
	switch err := app.WriteNew(i.Path, []byte(i.TaskFile)); {
	case errors.Is(err, fs.ErrExist):
		fmt.Fprintf(r.Out, "\n%s is there already and stays as it is. A task file for these repositories is:\n", i.Path)
	case err != nil:
		return i, &app.SetupError{
			Problem: fmt.Sprintf("the App is stored and installed, but its task file could not be written (%v)", err),
			Remedy:  "run kitops with --url and --action, or with a task file of your own",
		}
	default:
		fmt.Fprintf(r.Out, "\nThe task file %s is written; put your own actions there:\n", i.Path)
	}
	fmt.Fprintf(r.Out, "\n%s\nRun kitops:\n\n  %s\n", i.TaskFile, i.Command)
	if i.Service != "" {
		fmt.Fprintf(r.Out, "\nIt ends with Ctrl-C. A service goes on, and starts with the machine:\n\n  %s install\n\n", i.Service)
		fmt.Fprintf(r.Out, "%s status shows it, %s uninstall stops it.\n", i.Service, i.Service)
	}
	return i, nil
}

// service is the command that is about the service, as its path is, since sudo may not find the name.
func (r Registered) service() string {
	program := r.Program
	if path, err := exec.LookPath(program); err == nil {
		if path, err = filepath.Abs(path); err == nil {
			program = path
		}
	}
	if os.PathSeparator == '\\' {
		return ShellWord(program) + " service" // as an administrator
	}
	return "sudo " + ShellWord(program) + " service"
}

// tasksFor is a task file with one task on everything that the App reaches.
func tasksFor(web string, repositories []app.Found) string {
	var owners []string
	for _, found := range repositories {
		if !slices.Contains(owners, found.Owner) {
			owners = append(owners, found.Owner)
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

// command watches what the task file names.
func (r Registered) command(dir string, stored app.Stored) string {
	args := []string{r.Program, "--config-file", filepath.Join(dir, "tasks.yaml")}
	if dir != settings.ConfigDir(r.Environ) {
		args = append(args, "--github-app-id", fmt.Sprint(stored.AppID), "--github-private-key-file", stored.PrivateKeyFile)
	}
	if stored.APIURL != settings.DefaultConfig().App.APIURL {
		args = append(args, "--github-api-url", stored.APIURL)
	}
	for i := range args {
		args[i] = ShellWord(args[i])
	}
	return strings.Join(args, " ")
}

var plainWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./\\-]+$`) })

// ShellWord writes a word as a shell reads it.
func ShellWord(s string) string {
	if plainWord().MatchString(s) && (os.PathSeparator == '\\' || !strings.Contains(s, `\`)) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
