package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/bittrance/kitops/poller/secret"
)

// Grace is the time between SIGTERM and SIGKILL where Options name none.
const Grace = 8 * time.Second

// WaitDelay is how long the output of a command that has ended is still read
// when other processes hold it open.
const WaitDelay = 2 * time.Second

// stopDelay is the same for a command that was stopped, with all that it started.
const stopDelay = 500 * time.Millisecond

// Action is one command of a task.
type Action struct {
	Name string
	// Entrypoint is an absolute path, a path relative to the working directory
	// (it contains a slash), or a name looked up in the PATH the action gets.
	Entrypoint  string
	Args        []string
	Environment map[string]secret.Text
	// Secrets are variables that the caller adds to the environment; they mean nothing to Run.
	Secrets map[string]Secret `json:",omitempty"`
	// Token holds the permissions of a token for the repository's host that the
	// caller adds to the environment; nil: none. It means nothing to Run.
	Token map[string]string
	// InheritEnvironment passes on the agent's environment but for its secrets.
	InheritEnvironment bool
	// CancelAfter has it finished before a cancellation takes effect. It means nothing to Run.
	CancelAfter bool `json:",omitempty"`
	// Grace is the time between SIGTERM and SIGKILL; 0: as the caller has it. It means nothing to Run.
	Grace time.Duration `json:",omitempty"`
	// Limits hold beside those of the run while it runs. They mean nothing to Run.
	Limits Limits `json:",omitzero"`
}

// Secret is where the value of a variable is read when an action starts: a file or a variable of the agent.
type Secret struct{ File, Env string }

// Options is what the agent gives every action.
type Options struct {
	Dir     string    // working directory, absolute
	Environ []string  // the agent's own environment, KEY=VALUE
	Vars    []string  // the run's variables, KEY=VALUE; they win over all others
	Out     io.Writer // stdout and stderr in the order written; nil discards
	User    *User     // nil: the agent's own user
	// Processes is the one of the agent; nil where nobody calls its Reap.
	Processes *Processes
	// Grace is the time between SIGTERM and SIGKILL; 0 means the constant Grace.
	Grace time.Duration
	// Kill, when closed, ends the grace period of a stop at once. It does not
	// start a stop: that is the context's part. May be nil.
	Kill <-chan struct{}
	// Limits bound what all processes of the run have together.
	Limits Limits
	// Started is called once, before anything is waited for, with the identity
	// of the new process group. May be nil.
	Started func(Group)
}

// Run runs the command until it has ended or ctx is done; then its processes
// are stopped before Run returns. Several may run at the same time.
//
// A command that ran and failed, also by a signal, is an *exec.ExitError, within a *LimitError where a limit has
// to do with it. When
// ctx is done first the error wraps context.Cause(ctx), and names processes
// that not even SIGKILL ended, or by a *LeftError those that may be another
// action's. Any other error means that it could not be started.
//
// A failing Out gets nothing more, and the command does not notice. Nothing is
// written to Out after Run has returned, save for a Write that blocks until
// then; what background processes print later goes nowhere.
func (a Action) Run(ctx context.Context, o Options) error {
	if ctx.Err() != nil {
		return fmt.Errorf("not started: %w", context.Cause(ctx))
	}
	tree := &tree{runID: runID(o.Vars), limits: o.Limits, all: o.Processes}
	cmd, out, err := a.start(ctx, o, tree)
	if err != nil {
		return err
	}
	defer o.Processes.leave(tree)
	defer tree.release()
	group := groupOf(tree) // before Wait, which frees the process id
	exited := make(chan struct{})
	var failed error
	go func() {
		defer close(exited)
		failed = cmd.Wait()
		o.Processes.forget(cmd.Process.Pid)
	}()
	if o.Started != nil {
		o.Started(group)
	}

	select {
	case <-exited:
	case <-ctx.Done():
		// An agent that was stopped meanwhile hears of both ends at once.
		if hasEnded(cmd.Process.Pid) {
			<-exited
		}
	}
	select {
	case <-exited: // also where it was a little quicker than ctx
		out.finish(WaitDelay, o.Kill)
		return tree.struck(failed)
	default:
	}
	left := tree.stop(context.WithoutCancel(ctx), cmp.Or(o.Grace, Grace), o.Kill)
	if left == nil {
		<-exited
		left = tree.doubtful()
	}
	out.finish(stopDelay, o.Kill)
	if left != nil {
		return fmt.Errorf("stopped: %w (%w)", context.Cause(ctx), left)
	}
	return fmt.Errorf("stopped: %w", context.Cause(ctx))
}

// start starts the command in a session of its own, as the leader of the tree.
func (a Action) start(ctx context.Context, o Options, t *tree) (*exec.Cmd, *output, error) {
	if err := checkDir(o.Dir); err != nil {
		return nil, nil, err
	}
	if err := a.checkEnvironment(o.Vars); err != nil {
		return nil, nil, err
	}
	env := a.environ(o)
	path, err := locate(a.Entrypoint, o.Dir, env)
	if err != nil {
		return nil, nil, fmt.Errorf("start %s: %w", a.Entrypoint, err)
	}
	out, w, err := newOutput(o.Out, o.Processes)
	if err != nil {
		return nil, nil, fmt.Errorf("start %s: %w", a.Entrypoint, err)
	}
	pause := time.Millisecond
	build := func() *exec.Cmd {
		return &exec.Cmd{
			Path: path, Args: append([]string{a.Entrypoint}, a.Args...), Dir: o.Dir, Env: env,
			Stdout: w, Stderr: w, SysProcAttr: sysProcAttr(o.User),
		}
	}
	for {
		var cmd *exec.Cmd
		cmd, err = o.Processes.start(build, t)
		if err == nil {
			w.Close() // the command has its own; without this the output would not end
			out.read()
			return cmd, out, nil
		}
		// A child forked for another task while this file was being checked out
		// holds it open for writing until its own exec, milliseconds from now.
		if !isTextBusy(err) || pause > time.Second {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause *= 2
	}
	w.Close() // nothing was written
	out.discard()
	return nil, nil, fmt.Errorf("start %s: %w", a.Entrypoint, explain(path, o, err))
}

func checkDir(dir string) error {
	if !filepath.IsAbs(dir) {
		return fmt.Errorf("working directory %q is not an absolute path", dir)
	}
	info, err := os.Stat(dir)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return fmt.Errorf("working directory %s: %w", dir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("working directory %s is not a directory", dir)
	}
	return nil
}
