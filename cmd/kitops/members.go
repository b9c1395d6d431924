package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/client"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller"
)

func (p program) membersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "members [flags]", Short: "Show the instances that share the state", Args: noArgs, Annotations: hasJSON(),
		Long: `kitops members shows the instances that share the state and are alive, what each
runs and polls, and the tasks that every instance runs for itself. It ends with 1
while no instance polls a task as it should. It asks the running agent or, where
none runs here, the store.

With --release it forgets an instance that is gone for good, after it has asked,
and ends its leases: the others need not wait for their end.`,
		Example: "  kitops members\n  kitops members --json\n  kitops members --state s3://acme-kitops/team --release build-2",
	}
	release := cmd.Flags().String("release", "", "forget this instance, and end its leases")
	return p.asking(cmd, func(ctx context.Context, c *client.Client, _ []string) error {
		if *release != "" {
			return p.release(ctx, c.Store, *release)
		}
		return c.Members(ctx)
	})
}

func (p program) release(ctx context.Context, place, name string) error {
	if place == "" {
		return settings.Mistake("--release: name the store with --state")
	}
	released, err := wiring.ReleaseMember(ctx, place, name, p.process(), func(m poller.MemberStanding) error {
		fmt.Fprintf(p.stdout, "%s (pid %d on %s) gave its last sign at %s. If it lives, another instance may start what it runs beside it. Release it? [y/N] ",
			m.Name, m.PID, m.Host, m.Seen.Local().Format(time.DateTime))
		answer, _ := bufio.NewReader(os.Stdin).ReadString('\n') // none is no
		if !strings.EqualFold(strings.TrimSpace(answer), "y") {
			return errors.New("nothing was released")
		}
		return nil
	})
	if err == nil {
		fmt.Fprintf(p.stdout, "%s is released, and its leases on %d tasks are ended\n", name, len(released))
	}
	return err
}
